use super::setting::SETTINGS;

/// A `.env` file of every setting, explained and commented out, with its default: what stands
/// in the repository as `.env.example`.
pub(crate) fn example() -> String {
    let mut text = String::from(
        "\
# Settings of askbook. Copy this file to .env and take the # off the lines that you need.
#
# Later ones win: defaults, askbook.toml (the same names in lower case), .env, environment, flags.
# A value that holds spaces, #, $ or quotes stands in single quotes. An empty value is no value.
# `askbook config` shows what is in effect and where it comes from.
",
    );
    let mut group = "";
    for setting in SETTINGS {
        if setting.group != group {
            group = setting.group;
            text += &format!("\n\n## {group}\n");
        }
        text += "\n";
        for line in setting.about {
            text += &format!("#{line}\n");
        }
        if setting.secret {
            text += &format!("# {}_FILE names a file that holds it instead.\n", setting.name);
        }
        if !setting.aliases.is_empty() {
            text += &format!("# Also called {}.\n", setting.aliases.join(" or "));
        }
        let default = setting.default.unwrap_or_default();
        let quote = if default.contains(' ') { "'" } else { "" };
        text += &format!("# {}={quote}{default}{quote}\n", setting.name);
    }
    text
}
