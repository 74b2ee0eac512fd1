//! What a server says in place of its own answer.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::{StreamExt, stream};
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::server::NamedService;

/// Something else than the answer to a call.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// This error.
    Status(Status),
    /// The bytes of messages, and then the stream ends so.
    Messages(Vec<u8>, Ending),
    /// What something else than gRPC says: a status, a media type and a body.
    Http(u16, &'static str, &'static str),
    /// Nothing.
    Silence,
}

/// How the stream of an answer ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    /// As it should: with the status OK.
    Complete,
    /// Without a status.
    Stops,
    /// The stream is reset.
    Resets,
    /// Not at all.
    Hangs,
}

impl Answer {
    fn into_response(self) -> http::Response<Body> {
        let response = |status, media_type, body| {
            let response = http::Response::builder().status(status);
            response.header("content-type", media_type).body(body).unwrap()
        };
        match self {
            Self::Status(status) => status.into_http(),
            Self::Messages(bytes, ending) => {
                let bytes = stream::iter([Ok(Frame::data(Bytes::from(bytes)))]);
                let end = match ending {
                    Ending::Complete => {
                        let ok = http::HeaderMap::from_iter([(
                            http::HeaderName::from_static("grpc-status"),
                            http::HeaderValue::from_static("0"),
                        )]);
                        stream::iter([Ok(Frame::trailers(ok))]).boxed()
                    }
                    Ending::Stops => stream::empty().boxed(),
                    Ending::Resets => stream::iter([Err(Status::internal("reset"))]).boxed(),
                    Ending::Hangs => stream::pending().boxed(),
                };
                let body = Body::new(StreamBody::new(bytes.chain(end)));
                response(200, "application/grpc", body)
            }
            Self::Http(status, media_type, body) => {
                let bytes = stream::iter([Ok::<_, Status>(Frame::data(Bytes::from(body)))]);
                response(status, media_type, Body::new(StreamBody::new(bytes)))
            }
            Self::Silence => unreachable!("never said"),
        }
    }
}

/// Says what is to be said to a call of this path, such as `/qdrant.Points/Query`; `None` for the
/// server's own answer.
pub(crate) type Script = Arc<dyn Fn(&str) -> Option<Answer> + Send + Sync>;

/// A service that follows a script.
#[derive(Clone)]
pub(super) struct Scripted<S> {
    pub(super) service: S,
    pub(super) script: Script,
}

impl<S: NamedService> NamedService for Scripted<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<http::Request<Body>> for Scripted<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        match (self.script)(request.uri().path()) {
            None => Box::pin(self.service.call(request)),
            Some(Answer::Silence) => Box::pin(std::future::pending()),
            Some(answer) => Box::pin(std::future::ready(Ok(answer.into_response()))),
        }
    }
}
