use askbook::spend::{Ceiling, Ceilings, Most, Price};
use askbook_gemini::CONDENSED_TOKENS;

use super::Problems;
use super::setting::Settings;

/// What readers' questions may cost, and how that is reckoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spending {
    pub(crate) ceilings: Ceilings,
    /// Of the model that writes.
    pub(crate) writing: Price,
    /// Of the model that embeds.
    pub(crate) embedding: Price,
    pub(crate) most: Most,
}

impl Spending {
    /// The spending by these settings; `writes` says whether a model writes that has to be paid.
    pub(super) fn of(settings: &Settings, writes: bool, problems: &mut Problems) -> Self {
        let minute = Ceiling {
            calls: settings.spend_calls_per_minute,
            tokens: settings.spend_tokens_per_minute,
            money: settings.spend_money_per_minute,
        };
        let day = Ceiling {
            calls: settings.spend_calls_per_day,
            tokens: settings.spend_tokens_per_day,
            money: settings.spend_money_per_day,
        };
        let writing = Price { input: settings.price_input, output: settings.price_output };
        let embedding = Price { input: settings.price_embedding, output: 0 };
        let answer = u64::from(settings.gemini_max_output_tokens.get());
        let most = Most { answer, condensed: u64::from(CONDENSED_TOKENS) };

        let half_priced = (writing.input == 0) != (writing.output == 0);
        let is_free = writing == Price::default() && embedding == Price::default();
        if minute.money.or(day.money).is_some() && (half_priced || is_free) {
            problems.add(
                "ASKBOOK_SPEND_MONEY_PER_DAY and ASKBOOK_SPEND_MONEY_PER_MINUTE are reckoned by \
                 prices: set ASKBOOK_PRICE_INPUT, ASKBOOK_PRICE_OUTPUT and ASKBOOK_PRICE_EMBEDDING \
                 too",
            );
        }
        let least = writing.of(0, answer);
        for (name, ceiling, least) in [
            ("TOKENS_PER_MINUTE", minute.tokens, least.tokens),
            ("TOKENS_PER_DAY", day.tokens, least.tokens),
            ("MONEY_PER_MINUTE", minute.money, least.money),
            ("MONEY_PER_DAY", day.money, least.money),
        ] {
            if writes && ceiling.is_some_and(|ceiling| ceiling < least) {
                problems.add(format!(
                    "ASKBOOK_SPEND_{name} is less than one answer may cost: raise it, or lower \
                     ASKBOOK_GEMINI_MAX_OUTPUT_TOKENS"
                ));
            }
        }
        Self { ceilings: Ceilings { minute, day }, writing, embedding, most }
    }
}
