use std::sync::atomic::AtomicBool;

use tokio::time::Instant;

use super::*;
use crate::server::Leaving;

#[tokio::test(start_paused = true)]
async fn readiness_asks_once_for_everyone_and_again_when_its_time_is_over() {
    let (app, retriever, generator) = app_over(Conduct::Works, Conduct::Works);
    let (reply, _) = join(send(&app, look("/ready")), send(&app, look("/ready"))).await;
    let ready = json!({"ready": true, "degraded": false, "dependencies": [
        {"name": "embedder", "ready": true},
        {"name": "retriever", "ready": true},
        {"name": "generator", "ready": true},
        {"name": "sessions", "ready": true},
    ]});
    assert_eq!((reply.status, reply.json()), (StatusCode::OK, ready));
    assert_eq!((retriever.calls(), generator.calls()), (1, 1));
    tokio::time::advance(Duration::from_secs(5)).await;
    send(&app, look("/ready")).await;
    assert_eq!((retriever.calls(), generator.calls()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn readiness_names_what_is_missing_by_its_kind_alone() {
    let (app, ..) = app_over(Conduct::Fails(ErrorKind::Unauthorized), Conduct::Hangs);
    let reply = send(&app, look("/ready")).await;
    let missing = json!({"ready": false, "degraded": true, "dependencies": [
        {"name": "embedder", "ready": true},
        {"name": "retriever", "ready": false, "error": "unauthorized"},
        {"name": "generator", "ready": false, "error": "timeout"},
        {"name": "sessions", "ready": true},
    ]});
    assert_eq!((reply.status, reply.json()), (StatusCode::SERVICE_UNAVAILABLE, missing));
}

/// A generator that says once that it is ready, and nothing from then on.
struct Falling(AtomicBool);

#[async_trait]
impl Generator for Falling {
    fn model(&self) -> &'static str {
        "falling"
    }

    async fn generate(&self, _: Prompt) -> Result<Generation, PortError> {
        pending().await
    }

    async fn ready(&self) -> Result<(), PortError> {
        if self.0.swap(true, Ordering::Relaxed) { pending().await } else { Ok(()) }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_known_is_told_while_nothing_new_is_heard() {
    let falling = Falling(AtomicBool::new(false));
    let chat = chat(Stub::new(Conduct::Works), vec![Arc::new(falling)]);
    let app = app(chat, &settings());
    assert_eq!(send(&app, look("/ready")).await.status, StatusCode::OK);
    tokio::time::advance(Duration::from_secs(5)).await;
    let asked = Instant::now();
    assert_eq!(send(&app, look("/ready")).await.status, StatusCode::OK);
    assert!(asked.elapsed() < Duration::from_secs(1), "load balancers do not wait longer");
    tokio::time::advance(settings().readiness.timeout).await;
    assert_eq!(send(&app, look("/ready")).await.status, StatusCode::SERVICE_UNAVAILABLE);
}

/// A retriever that is not ready and serves all the same.
struct Limping;

#[async_trait]
impl Retriever for Limping {
    async fn shape(&self) -> Result<VectorShape, PortError> {
        Ok(VectorShape::sparse())
    }

    async fn retrieve(&self, _: &Embedding, _: NonZeroUsize) -> Result<Rankings, PortError> {
        Ok(Rankings::default())
    }

    async fn passages(&self, _: &[PassageId]) -> Result<Vec<Passage>, PortError> {
        Ok(Vec::new())
    }

    async fn ready(&self) -> Result<(), PortError> {
        Err(PortError::new(ErrorKind::Unavailable, "one half is gone"))
    }

    async fn serves(&self) -> Result<(), PortError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn what_answers_merely_worse_is_ready_and_degraded() {
    let fails = || Stub::new(Conduct::Fails(ErrorKind::RateLimited));
    let works = || Stub::new(Conduct::Works);
    let over = |retriever: Arc<dyn Retriever>, [first, second]: [Arc<Stub>; 2]| {
        app(chat(retriever, vec![first, second]), &settings())
    };
    for (app, ready) in [
        (over(Arc::new(Limping), [works(), works()]), true),
        (over(works(), [fails(), works()]), true),
        (over(works(), [works(), Stub::new(Conduct::Hangs)]), true),
        (over(works(), [fails(), fails()]), false),
        (over(fails(), [works(), works()]), false),
    ] {
        let reply = send(&app, look("/ready")).await;
        let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        assert_eq!(reply.status, status);
        let told = reply.json();
        assert_eq!((&told["ready"], &told["degraded"]), (&json!(ready), &json!(true)), "{told}");
    }
}

#[tokio::test]
async fn each_generator_is_named() {
    let generators: Vec<Arc<dyn Generator>> =
        vec![Stub::new(Conduct::Fails(ErrorKind::Timeout)), Stub::new(Conduct::Works)];
    let app = app(chat(Stub::new(Conduct::Works), generators), &settings());
    let dependencies = send(&app, look("/ready")).await.json()["dependencies"].take();
    assert_eq!(dependencies[2], json!({"name": "generator", "ready": false, "error": "timeout"}));
    assert_eq!(dependencies[3], json!({"name": "generator:stub", "ready": true}));
}

#[tokio::test]
async fn a_server_that_is_about_to_stop_is_not_ready() {
    let (app, ..) = app_over(Conduct::Works, Conduct::Works);
    let leaving = Leaving::default();
    let ask = async || {
        let mut request = look("/ready");
        request.set_data(leaving.clone());
        send(&app, request).await
    };
    assert_eq!(ask().await.status, StatusCode::OK);
    leaving.0.cancel();
    let reply = ask().await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    let told = reply.json();
    assert_eq!((&told["ready"], &told["degraded"]), (&json!(false), &json!(false)), "{told}");
}
