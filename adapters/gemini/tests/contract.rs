//! The contracts of the ports, and what goes over the wire to fulfil them.

#[cfg(test)]
mod support {
    pub(crate) mod gemini;
    pub(crate) mod script_server;
}

#[cfg(test)]
mod wire {
    mod calls;
    mod condensing;
    mod deadline;
    mod embedding;
    mod generation;
    mod models;
    mod stream;
}

#[cfg(test)]
mod embedder {
    use std::any::Any;
    use std::sync::Arc;

    use askbook::contract::Fault;
    use askbook::ports::Embedder;

    use crate::support::gemini;

    mod task_types {
        use super::*;

        async fn fixture() -> (Arc<dyn Embedder>, impl Sized) {
            let server = gemini::server().await;
            (Arc::new(gemini::embedder(&server.uri(), "gemini-embedding-001")), server)
        }

        askbook::embedder_contract!(fixture);
    }

    mod text_forms {
        use super::*;

        async fn fixture() -> (Arc<dyn Embedder>, impl Sized) {
            let server = gemini::server().await;
            (Arc::new(gemini::embedder(&server.uri(), "gemini-embedding-2")), server)
        }

        askbook::embedder_contract!(fixture);
    }

    async fn faulty(fault: Fault) -> (Arc<dyn Embedder>, Box<dyn Any + Send>) {
        let (url, guard) = gemini::faulty(fault).await;
        (Arc::new(gemini::embedder(&url, "gemini-embedding-001")), guard)
    }

    askbook::remote_embedder_contract!(faulty);
}

#[cfg(test)]
mod generator {
    use std::any::Any;
    use std::sync::Arc;

    use askbook::contract::Fault;
    use askbook::ports::Generator;

    use crate::support::gemini;

    async fn fixture() -> (Arc<dyn Generator>, impl Sized) {
        let server = gemini::server().await;
        (Arc::new(gemini::generator(&server.uri())), server)
    }

    async fn faulty(fault: Fault) -> (Arc<dyn Generator>, Box<dyn Any + Send>) {
        let (url, guard) = gemini::faulty(fault).await;
        (Arc::new(gemini::generator(&url)), guard)
    }

    askbook::generator_contract!(fixture);
    askbook::remote_generator_contract!(faulty);

    #[tokio::test]
    async fn readiness_reports_faults_as_well() {
        for fault in [Fault::Unreachable, Fault::Overloaded, Fault::RefusesKey, Fault::Garbage] {
            let (generator, _guard) = faulty(fault).await;
            askbook::contract::is_reported(fault, &generator.ready().await.expect_err("a fault"));
        }
    }
}
