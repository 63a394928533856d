//! What one network source may take of a node's sites and API: requests that are being answered, wrong tokens, and tasks that
//! it begins.
//!
//! The source is the client's address where a trusted proxy names it; else everyone behind one proxy is one source, so
//! both bounds are wide. A right API token is taken however many wrong ones its source sent. The node's own operator,
//! at the local socket, is nobody's crowd.

use crate::limits::{LocalOperator, Origin, source_of};
use crate::page_error::Failure;
use crate::ports::SiteSettings;
use http::{Request, Response};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::NodeId;
use passquorum_domain::limit::{Limit, Place, Places, Source, Window};
use passquorum_domain::time::{Span, Timestamp};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Wrong tokens of one source within [`WRONG_TOKENS_WITHIN`]; then it hears nothing more of tokens for the rest of it.
const WRONG_TOKENS: u32 = 30;
const WRONG_TOKENS_WITHIN: Span = Span::minutes(1);

/// The time within which tasks that a source begins are counted.
const BEGUN_WITHIN: Span = Span::minutes(5);

/// Counts of a policy's users that a node works on at a time, for its site and its API: each goes over whole domains.
const COUNTS: usize = 2;

/// The sources of a node's requests.
#[derive(Clone)]
pub struct Crowd(Arc<Sources>);

struct Sources {
    settings: Arc<SiteSettings>,
    requests: Arc<Places>,
    wrong_tokens: Window,
    begun: Window<(Source, Option<NodeId>)>,
    counts: Arc<Semaphore>,
}

/// A source that holds all the places that it may.
pub(crate) struct Full;

/// A request that is being answered.
pub(crate) struct Entered {
    source: Option<Source>,
    _place: Option<Place>,
}

impl Crowd {
    /// Nobody yet.
    #[must_use]
    pub fn new(settings: Arc<SiteSettings>) -> Self {
        let requests = Places::of_each_source(settings.requests_per_source);
        Self(Arc::new(Sources {
            settings,
            requests,
            wrong_tokens: Window::new(WRONG_TOKENS, WRONG_TOKENS_WITHIN),
            begun: Window::new(u32::MAX, BEGUN_WITHIN),
            counts: Arc::new(Semaphore::new(COUNTS)),
        }))
    }

    /// What the sites were told of this node.
    pub(crate) fn settings(&self) -> &Arc<SiteSettings> {
        &self.0.settings
    }

    /// Lets a request in, for as long as what is returned is held.
    pub(crate) fn enter<B>(&self, request: &Request<B>) -> Result<Entered, Full> {
        if request.extensions().get::<LocalOperator>().is_some() {
            return Ok(Entered { source: None, _place: None });
        }
        let source = Source::from(source_of(request, self.settings()));
        let place = self.0.requests.take(source).ok_or(Full)?;
        Ok(Entered { source: Some(source), _place: Some(place) })
    }

    /// A place among the counts of users, if there is one.
    pub(crate) fn count_users(&self) -> Result<OwnedSemaphorePermit, Failure> {
        let busy =
            || Failure::new(ErrorCode::Busy).because(format!("{COUNTS} counts run on this node already"));
        Arc::clone(&self.0.counts).try_acquire_owned().map_err(|_| busy())
    }

    /// Counts a task that somebody begins, whoever they say they are: only so nobody learns from the bound which names are users'.
    /// Each origin may begin so many within five minutes; else this says how long it has to wait.
    pub(crate) fn begin(&self, origin: Origin, most: u32, now: Timestamp) -> Result<(), Span> {
        let source = (Source::from(origin.address), origin.by_way_of);
        match self.0.begun.refuses_over(most, source, now) {
            Some(wait) => Err(wait),
            None => {
                self.0.begun.count(source, now);
                Ok(())
            }
        }
    }

    /// Notes that a request held a wrong token.
    pub(crate) fn count_wrong_token(&self, entered: &Entered, now: Timestamp) {
        if let Some(source) = entered.source {
            self.0.wrong_tokens.count(source, now);
        }
    }

    /// Whether the source of a request has sent too many wrong tokens.
    pub(crate) fn sent_too_many(&self, entered: &Entered, now: Timestamp) -> bool {
        entered.source.is_some_and(|source| self.0.wrong_tokens.refuses(source, now).is_some())
    }
}

/// Marks an answer as the work of a limit, for whoever counts.
pub(crate) fn marked<B>(mut response: Response<B>, limit: Limit) -> Response<B> {
    response.extensions_mut().insert(limit);
    response
}
