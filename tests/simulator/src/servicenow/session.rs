//! Sessions, their cookies, and the queue of requests that share one.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::record::SysId;
use crate::gate::Queue;
use crate::http_message::Answer;

/// How many sessions are remembered; an API client without cookies opens one per call.
const LIMIT: usize = 5_000;

/// One session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) user_id: Option<SysId>,
    /// The value of `g_ck` and `sysparm_ck`.
    pub(crate) check: String,
    pub(crate) queue: Arc<Queue>,
    /// The authorization request whose consent page was shown last.
    pub(crate) asked: Vec<(String, String)>,
}

/// All sessions, the oldest forgotten first.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_id: HashMap<String, Session>,
    order: VecDeque<String>,
}

impl Sessions {
    pub(crate) fn find(&self, id: &str) -> Option<&Session> {
        self.by_id.get(id)
    }

    /// Opens a session.
    pub(crate) fn open(&mut self, id: String, user_id: Option<SysId>, check: String) {
        if self.by_id.len() >= LIMIT
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_id.remove(&oldest);
        }
        self.order.push_back(id.clone());
        self.by_id.insert(id, Session { user_id, check, queue: Arc::default(), asked: Vec::new() });
    }

    /// Remembers the authorization request that a session was asked about.
    pub(crate) fn set_asked(&mut self, id: &str, asked: &[(String, String)]) {
        if let Some(session) = self.by_id.get_mut(id) {
            asked.clone_into(&mut session.asked);
        }
    }

    /// Makes a session somebody's, or nobody's.
    pub(crate) fn set_user(&mut self, id: &str, user_id: Option<SysId>) {
        if let Some(session) = self.by_id.get_mut(id) {
            session.user_id = user_id;
        }
    }
}

/// The cookies a fresh session sets.
#[derive(Debug, Clone)]
pub(crate) struct Cookies {
    pub(crate) session_id: String,
    pub(crate) user: String,
}

impl Cookies {
    /// Adds the `Set-Cookie` lines of a real answer.
    pub(crate) fn write(&self, answer: &mut Answer, instance: &str) {
        let id = &self.session_id;
        let route = id.get(..12).unwrap_or("0").to_ascii_lowercase();
        answer.add("set-cookie", &format!("JSESSIONID={id}; Path=/; HttpOnly"));
        answer.add("set-cookie", &format!("glide_user={}; Path=/; HttpOnly", self.user));
        answer.add("set-cookie", &format!("glide_user_session={}; Path=/; HttpOnly", self.user));
        answer.add("set-cookie", &format!("glide_user_route=glide.{route}; Max-Age=2147483647; Path=/; HttpOnly"));
        answer.add("set-cookie", &format!("glide_session_store={id}; Max-Age=1800; Path=/; HttpOnly"));
        answer.add("set-cookie", &format!("BIGipServerpool_{instance}={route}; Path=/"));
    }
}
