//! A browser as far as a consent needs one: cookies per origin, forms, and redirects that are looked at one by one.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use itsm_adapter::{Config, transport};
use itsm_simulator::seed;
use url::Url;

/// Redirects that are followed before somebody is going round in circles.
const MOST_REDIRECTS: usize = 10;

/// What the browser shows.
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

#[derive(Clone)]
pub(crate) struct Browser {
    network: Arc<transport::HttpTransport>,
    cookies: BTreeMap<String, BTreeMap<String, String>>,
}

impl Browser {
    /// A browser that nobody has used before.
    pub(crate) fn new(config: &Config) -> Self {
        Self { network: Arc::new(transport::HttpTransport::new(config).unwrap()), cookies: BTreeMap::new() }
    }

    pub(crate) async fn get(&mut self, url: &str) -> Page {
        self.once(Method::GET, url, None).await
    }

    pub(crate) async fn post(&mut self, url: &str, form: &[(&str, &str)]) -> Page {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.once(Method::POST, url, Some(body)).await
    }

    async fn once(&mut self, method: Method, url: &str, form: Option<String>) -> Page {
        let url: Url = url.parse().unwrap();
        let origin = url.origin().ascii_serialization();
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("text/html"));
        let jar = self.cookies.entry(origin).or_default();
        if !jar.is_empty() {
            let cookies: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
            headers.insert(header::COOKIE, HeaderValue::from_str(&cookies.join("; ")).unwrap());
        }
        if form.is_some() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        }
        let body = form.unwrap_or_default().into();
        let request = transport::Request { method, url: url.clone(), headers, body, timeout: Duration::from_secs(30) };
        let answer = transport::Transport::send(&*self.network, request).await.unwrap();
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            jar.insert(name.to_owned(), value.to_owned());
        }
        let body = String::from_utf8(answer.body.to_vec()).unwrap();
        Page { url, status: answer.status, headers: answer.headers, body }
    }

    /// Follows redirects as long as they stay at this origin: the first one that leaves it is shown, not followed.
    pub(crate) async fn within(&mut self, mut page: Page) -> Page {
        for _ in 0..MOST_REDIRECTS {
            match page.location() {
                Some(next) if next.origin() == page.url.origin() => page = self.get(next.as_str()).await,
                _ => return page,
            }
        }
        panic!("redirects without end at {}", page.url);
    }

    /// Opens the authorization URL and signs in, unless somebody is signed in there already: the consent page.
    pub(crate) async fn sign_in(&mut self, authorization_url: &str, user: &str) -> Page {
        let page = self.get(authorization_url).await;
        let page = self.within(page).await;
        if !page.body.contains("id=\"loginPage\"") {
            return page;
        }
        let target = page.hidden("sysparm_goto_url");
        let login = page.url.join("/login.do").unwrap();
        let password = seed::find_user(user).unwrap().password;
        let form = [
            ("sys_action", "sysverb_login"),
            ("sysparm_goto_url", &target),
            ("user_name", user),
            ("user_password", password),
        ];
        let page = self.post(login.as_str(), &form).await;
        self.within(page).await
    }

    /// Presses a button of the consent page (`authorize` or `deny`); the address that the browser is sent back to.
    pub(crate) async fn decide(&mut self, consent: &Page, button: &str) -> String {
        let page = self.press(consent, button).await;
        let back = page.location();
        back.unwrap_or_else(|| panic!("the browser was not sent back: {} {}", page.status, page.body)).into()
    }

    pub(crate) async fn press(&mut self, consent: &Page, button: &str) -> Page {
        let check = consent.hidden("sysparm_ck");
        let form = [("sysparm_ck", check.as_str()), ("oauth_auth_check_action", button)];
        self.post(consent.url.as_str(), &form).await
    }

    /// The whole way of a person who signs in and allows.
    pub(crate) async fn allow(&mut self, authorization_url: &str, user: &str) -> String {
        let consent = self.sign_in(authorization_url, user).await;
        self.decide(&consent, "authorize").await
    }
}

impl Page {
    pub(crate) fn location(&self) -> Option<Url> {
        let location = self.headers.get(header::LOCATION)?.to_str().ok()?;
        Some(self.url.join(location).unwrap())
    }

    /// The value of a hidden field.
    fn hidden(&self, name: &str) -> String {
        let (_, rest) = self
            .body
            .split_once(&format!("name=\"{name}\" value=\""))
            .unwrap_or_else(|| panic!("no field {name} on {}: {}", self.url, self.body));
        rest.split('"').next().unwrap().replace("&amp;", "&").replace("&#39;", "'").replace("&quot;", "\"")
    }
}
