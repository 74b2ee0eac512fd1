//! Why a search gave what it gave, over the wire.

use askbook::evidence::Evidence;
use askbook::search::Found;
use askbook::selection::{Candidate, Verdict};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use serde::Serialize;

use super::reply::ScoresReply;

/// How a search came to its passages.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Debug", example)]
pub(crate) struct Explanation {
    /// Everything that was considered, best first.
    candidates: Vec<CandidateReply>,
    evidence: EvidenceReply,
}

impl From<&Found> for Explanation {
    fn from(found: &Found) -> Self {
        Self {
            candidates: found.candidates.iter().map(CandidateReply::from).collect(),
            evidence: (&found.evidence).into(),
        }
    }
}

impl Example for Explanation {
    fn example() -> Self {
        Self { candidates: vec![CandidateReply::example()], evidence: EvidenceReply::example() }
    }
}

/// A passage that was considered, and what became of it.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Candidate", example)]
struct CandidateReply {
    /// Names the passage.
    id: String,
    /// Where the passage opens; null when unknown.
    #[oai(nullable)]
    url: Option<String>,
    /// The heading that it stands under; null before the first one of a page.
    #[oai(nullable)]
    heading: Option<String>,
    /// Its place by closeness of the dense vectors, from 1; absent when it was not found so.
    #[oai(validator(minimum(value = "1")), skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    dense_rank: Option<usize>,
    /// Its place by shared terms, from 1; absent when it was not found so.
    #[oai(validator(minimum(value = "1")), skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    lexical_rank: Option<usize>,
    /// Its place when both rankings are taken together, from 1.
    #[oai(validator(minimum(value = "1")))]
    fused_rank: usize,
    scores: ScoresReply,
    verdict: VerdictName,
    /// The verdict in words.
    reason: String,
}

impl From<&Candidate> for CandidateReply {
    fn from(Candidate { fused, verdict }: &Candidate) -> Self {
        let (passage, scores) = (&fused.hit.passage, fused.hit.scores);
        Self {
            id: passage.id.0.clone(),
            url: passage.url.clone(),
            heading: passage.section().map(str::to_owned),
            dense_rank: fused.dense_rank,
            lexical_rank: fused.lexical_rank,
            fused_rank: scores.fused_rank,
            scores: scores.into(),
            verdict: (*verdict).into(),
            reason: reason(*verdict).to_owned(),
        }
    }
}

impl Example for CandidateReply {
    fn example() -> Self {
        Self {
            id: "sessions.md#time-to-live/0".to_owned(),
            url: Some("/docs/sessions#time-to-live".to_owned()),
            heading: Some("Time to live".to_owned()),
            dense_rank: Some(2),
            lexical_rank: Some(1),
            fused_rank: 1,
            scores: ScoresReply::example(),
            verdict: VerdictName::Kept,
            reason: reason(Verdict::Kept).to_owned(),
        }
    }
}

/// What became of a passage that was considered. More values may come.
#[derive(Debug, Enum, Serialize)]
#[oai(rename = "Verdict", rename_all = "snake_case", remote = "Verdict")]
#[serde(rename_all = "snake_case")]
enum VerdictName {
    Kept,
    Duplicate,
    OtherEdition,
    PageFull,
    BeyondBudget,
    BeyondLimit,
}

fn reason(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Kept => "it is one of the passages to answer from",
        Verdict::Duplicate => "a better one has the same text",
        Verdict::OtherEdition => "it is of another version or language than the reader's",
        Verdict::PageFull => "its page has given as many passages as one page may",
        Verdict::BeyondBudget => "there is no room left for its text",
        Verdict::BeyondLimit => "there are enough better ones",
    }
}

/// What speaks for an answer being in the passages.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Evidence", example)]
struct EvidenceReply {
    /// The share of what the question says that the passages hold, rare terms counting more.
    #[oai(validator(minimum(value = "0"), maximum(value = "1")))]
    coverage: f64,
    /// How far the two rankings agree on the best passages; absent with one ranking.
    #[oai(validator(minimum(value = "0"), maximum(value = "1")), skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    agreement: Option<f64>,
    /// The best cosine, at most 1; absent without dense vectors.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    dense: Option<f32>,
    /// The terms of the question that no passage holds.
    missing: Vec<String>,
    /// The judgement: whether the passages can answer the question.
    sufficient: bool,
}

impl From<&Evidence> for EvidenceReply {
    fn from(evidence: &Evidence) -> Self {
        let Evidence { coverage, agreement, dense, missing, sufficient } = evidence.clone();
        Self { coverage, agreement, dense, missing, sufficient }
    }
}

impl Example for EvidenceReply {
    fn example() -> Self {
        Self {
            coverage: 0.75,
            agreement: Some(0.5),
            dense: Some(0.75),
            missing: vec!["kept".to_owned()],
            sufficient: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use askbook::fusion::Fused;
    use askbook::passage::{Hit, Passage, PassageId, Scores};
    use serde_json::json;

    use super::*;

    fn candidate(verdict: Verdict) -> Candidate {
        let passage = Passage {
            id: PassageId("a".to_owned()),
            title: "Page".to_owned(),
            headings: Vec::new(),
            url: None,
            text: "Text.".to_owned(),
            edition: None,
        };
        let scores = Scores { dense: Some(0.5), lexical: None, fused_rank: 3 };
        let hit = Hit { passage, scores };
        Candidate { fused: Fused { hit, dense_rank: Some(2), lexical_rank: None }, verdict }
    }

    fn explain(candidates: Vec<Candidate>) -> serde_json::Value {
        let evidence = Evidence {
            coverage: 0.25,
            agreement: None,
            dense: Some(0.5),
            missing: vec!["term".to_owned()],
            sufficient: false,
        };
        let found = Found { passages: Vec::new(), candidates, evidence, losses: Vec::new() };
        serde_json::to_value(Explanation::from(&found)).unwrap()
    }

    #[test]
    fn what_was_not_measured_is_left_out() {
        let expected = json!({
            "candidates": [{
                "id": "a",
                "url": null,
                "heading": null,
                "dense_rank": 2,
                "fused_rank": 3,
                "scores": {"dense": 0.5, "fused_rank": 3},
                "verdict": "page_full",
                "reason": "its page has given as many passages as one page may",
            }],
            "evidence": {
                "coverage": 0.25, "dense": 0.5, "missing": ["term"], "sufficient": false,
            },
        });
        assert_eq!(explain(vec![candidate(Verdict::PageFull)]), expected);
    }

    #[test]
    fn each_verdict_has_a_name_and_a_reason_of_its_own() {
        let verdicts = [
            (Verdict::Kept, "kept"),
            (Verdict::Duplicate, "duplicate"),
            (Verdict::OtherEdition, "other_edition"),
            (Verdict::PageFull, "page_full"),
            (Verdict::BeyondBudget, "beyond_budget"),
            (Verdict::BeyondLimit, "beyond_limit"),
        ];
        let explained = explain(verdicts.map(|(verdict, _)| candidate(verdict)).into());
        let mut reasons = HashSet::new();
        for (index, (_, name)) in verdicts.iter().enumerate() {
            let told = &explained["candidates"][index];
            assert_eq!(told["verdict"], *name);
            assert!(reasons.insert(told["reason"].as_str()), "{name}");
        }
    }
}
