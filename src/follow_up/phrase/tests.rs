use super::*;

#[test]
fn whole_questions_stand_alone() {
    for question in [
        "How do I delete the index?",
        "how do i delete the index",
        "hi! how do i change the port?",
        "thanks, that worked. Can I run several servers?",
        "ok cool, what is bm25",
        "what is a reducer?",
        "Is it possible to use TypeScript?",
        "is there a library for undo in redux",
        "Why is immutability required by Redux?",
        "is there a command that tells me what is broken in my setup?",
        "should there be more than one middleware chain in my store?",
        "should i use hooks instead of connect",
        "can other sites call my server?",
        "what is this page about?",
        "What is a passage?",
        "How do I change the refusal text?",
        "What is BM25? And is it better?",
        "It does not start. How do I read the log of the server?",
        "Wie kann ich den Anschluss ändern, auf dem askbook nach dem Start auf Anfragen wartet, und wo?",
        "サーバーが待ち受けるポート番号を変更するにはどうすればよいですか、教えてください",
    ] {
        assert!(Phrase::read(question).stands_alone(), "{question}");
    }
}

#[test]
fn what_leans_on_the_conversation_does_not_stand_alone() {
    for question in [
        // Pronouns, and what points without naming.
        "how do I configure it?",
        "how do they differ?",
        "whats it missing compared to the real thing then?",
        "does anybody check those?",
        "what happens after that",
        "how do i turn that off?",
        "show me the code",
        "id rather not have that in the env, can it be a file",
        "can i use that in prod",
        "how would a follow up look like there",
        "where do i set this",
        // Another one of what was spoken of.
        "is the other one faster?",
        "which one should i use",
        "why only one",
        "what else do i need",
        "does the same work with docker",
        "how do i write my own?",
        "does redis work too",
        // It goes on.
        "and in prod?",
        "And the host?",
        "but curl works fine??",
        "ok and when it fails? what do i show",
        "or the admin key",
        "so how much is that",
        "then what",
        "what about versioned docs?",
        "how about docker",
        "what if im not on toolkit",
        "no i meant under /ask on the same domain",
        "no, the other port",
        "vs sagas?",
        // Too few words for a question.
        "why?",
        "why not",
        "why typescript",
        "which wins?",
        "in prod?",
        "pricing?",
        "example",
        "example please",
        "?",
        "more details pls",
        "my payload is called 'body' not 'text'",
        "now my selectors are broken",
        // Other languages, unless long.
        "und in der Produktion?",
        "warum nicht",
        "なぜですか",
        "а в продакшене?",
        "",
    ] {
        assert!(!Phrase::read(question).stands_alone(), "{question}");
    }
}

#[test]
fn beside_a_text_what_points_or_names_nothing_is_about_the_text() {
    for question in [
        "what does this mean?",
        "explain",
        "why?",
        "?",
        "and what does it do",
        "summarise this pls",
    ] {
        assert!(Phrase::read(question).stands_beside_a_text(), "{question}");
    }
    for question in ["and in prod with docker?", "is the other one faster than this?"] {
        assert!(!Phrase::read(question).stands_beside_a_text(), "{question}");
    }
}

#[test]
fn a_question_about_a_text_names_nothing_else() {
    for question in
        ["what is this page about?", "summarise this", "Explain this section", "tldr", "summary?"]
    {
        assert!(Phrase::read(question).is_about_a_text(), "{question}");
    }
    for question in
        ["how do I configure it?", "how do I get started?", "which page is about CORS?", "why?"]
    {
        assert!(!Phrase::read(question).is_about_a_text(), "{question}");
    }
}
