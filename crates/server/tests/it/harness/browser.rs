//! A browser without JavaScript: keeps cookies, follows redirects on this server, fills in forms.

use std::collections::BTreeMap;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, StatusCode};

const BOUNDARY: &str = "----secondme";

pub struct Browser {
    http: Client,
    origin: String,
    cookies: BTreeMap<String, String>,
}

/// A page, or a redirect that leaves the server.
#[derive(Debug)]
pub struct Shown {
    pub status: StatusCode,
    /// Where the browser ended: a path on this server, or the foreign URL of a redirect.
    pub at: String,
    pub html: String,
}

impl Browser {
    pub fn new(http: &Client, origin: &str) -> Self {
        Self { http: http.clone(), origin: origin.to_owned(), cookies: BTreeMap::new() }
    }

    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    pub async fn open(&mut self, path: &str) -> Shown {
        self.go(Method::GET, path, &[]).await
    }

    /// Sends the first form of `page` whose action or content contains `marker`, with `fields` filled in over its hidden ones.
    pub async fn submit(&mut self, page: &Shown, marker: &str, fields: &[(&str, &str)]) -> Shown {
        let form = forms(&page.html)
            .into_iter()
            // The language switch names the page it stands on, which would match almost any marker.
            .find(|f| f.html.contains(marker) && (f.action != "/language" || marker == "/language"))
            .unwrap_or_else(|| panic!("no form with {marker:?} in {}", page.html));
        let mut values = form.hidden.clone();
        for (name, value) in fields {
            values.retain(|(n, _)| n != name);
            values.push(((*name).to_owned(), (*value).to_owned()));
        }
        let action = if form.action.is_empty() { page.at.clone() } else { form.action };
        self.go(Method::POST, &action, &values).await
    }

    /// Sends the hidden fields of the form with `marker` somewhere else, as its buttons with an address of their own do.
    pub async fn post(&mut self, page: &Shown, path: &str, marker: &str, fields: &[(&str, &str)]) -> Shown {
        let form = forms(&page.html).into_iter().find(|f| f.html.contains(marker) && f.action != "/language");
        let mut values = form.unwrap_or_else(|| panic!("no form with {marker:?} in {}", page.html)).hidden;
        values.retain(|(name, _)| name == "csrf");
        values.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.go(Method::POST, path, &values).await
    }

    /// Sends a form with a file in the field `file`.
    pub async fn upload(&mut self, path: &str, fields: &[(&str, &str)], bytes: &[u8]) -> Shown {
        let mut body = Vec::new();
        for (name, value) in fields {
            let part = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend(part.into_bytes());
        }
        let head = "Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png";
        body.extend(format!("--{BOUNDARY}\r\n{head}\r\n\r\n").into_bytes());
        body.extend(bytes);
        body.extend(format!("\r\n--{BOUNDARY}--\r\n").into_bytes());
        let request = self.http.post(format!("{}{path}", self.origin)).header("Origin", &self.origin);
        let request = request.header(COOKIE, self.cookies()).header("Accept", "text/html").body(body);
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let response = request.header("Content-Type", kind).send().await;
        let response = response.unwrap();
        for cookie in response.headers().get_all(SET_COOKIE) {
            self.keep(cookie.to_str().unwrap());
        }
        let status = response.status();
        let next = response.headers().get(LOCATION).map(|to| to.to_str().unwrap().to_owned());
        match next.filter(|_| status.is_redirection()) {
            Some(next) => self.open(&next).await,
            None => Shown { status, at: path.to_owned(), html: response.text().await.unwrap() },
        }
    }

    fn cookies(&self) -> String {
        self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join("; ")
    }

    async fn go(&mut self, method: Method, path: &str, fields: &[(String, String)]) -> Shown {
        let (mut method, mut path) = (method, path.to_owned());
        for _ in 0..10 {
            let url = format!("{}{path}", self.origin);
            let mut request = self.http.request(method.clone(), url).header("Accept", "text/html");
            if !self.cookies.is_empty() {
                request = request.header(COOKIE, self.cookies());
            }
            if method == Method::POST {
                request = request.form(fields).header("Origin", &self.origin);
            }
            let response = request.send().await.unwrap();
            for cookie in response.headers().get_all(SET_COOKIE) {
                self.keep(cookie.to_str().unwrap());
            }
            let status = response.status();
            let location = response.headers().get(LOCATION).map(|l| l.to_str().unwrap().to_owned());
            let Some(location) = location.filter(|_| status.is_redirection()) else {
                return Shown { status, at: path, html: response.text().await.unwrap() };
            };
            let local = location.strip_prefix(&self.origin).unwrap_or(&location);
            if !local.starts_with('/') {
                return Shown { status, at: location, html: String::new() };
            }
            (method, path) = (Method::GET, local.to_owned());
        }
        panic!("too many redirects, the last to {path}");
    }

    fn keep(&mut self, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
        let (name, value) = pair.split_once('=').unwrap();
        assert!(attributes.contains("HttpOnly") && attributes.contains("SameSite"), "{cookie}");
        if value.is_empty() || attributes.contains("Max-Age=0") {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

struct Form {
    action: String,
    hidden: Vec<(String, String)>,
    html: String,
}

fn forms(html: &str) -> Vec<Form> {
    html.split("<form")
        .skip(1)
        .map(|rest| {
            let html = rest.split("</form>").next().unwrap().to_owned();
            let action = attribute(html.split('>').next().unwrap(), "action").unwrap_or_default();
            let hidden = html
                .split("<input")
                .skip(1)
                .map(|i| i.split('>').next().unwrap())
                // What a browser sends untouched: hidden fields and ticked boxes.
                .filter(|i| i.contains("type=\"hidden\"") || i.contains(" checked"))
                .map(|i| (attribute(i, "name").unwrap(), attribute(i, "value").unwrap_or_default()))
                .collect();
            Form { action, hidden, html }
        })
        .collect()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split(&format!("{name}=\"")).nth(1)?.split('"').next()?;
    let plain = value.replace("&#38;", "&").replace("&amp;", "&").replace("&quot;", "\"").replace("&#34;", "\"");
    Some(
        plain
            .replace("&#39;", "'")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&#60;", "<")
            .replace("&#62;", ">"),
    )
}
