"""A browser as far as a consent needs one: cookies, forms and redirects, by plain HTTP."""

from __future__ import annotations

import html
import re
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar


class Page:
    def __init__(self, url: str, body: str) -> None:
        self.url, self.body = url, body

    def hidden(self, name: str) -> str:
        found = re.search(rf'name="{name}" value="([^"]*)"', self.body)
        assert found, f"no field {name} on {self.url}: {self.body}"
        return html.unescape(found[1])


class Browser:
    """A browser that nobody has used before."""

    def __init__(self) -> None:
        cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)

    def open(self, url: str, **form: str) -> Page:
        data = urllib.parse.urlencode(form).encode() if form else None
        with self.opener.open(url, data, timeout=30) as answer:
            return Page(answer.geturl(), answer.read().decode())

    def sign_in(self, authorization_url: str, user_name: str, password: str) -> Page:
        """Opens the address and signs in: the consent page."""
        login = self.open(authorization_url)
        assert 'id="loginPage"' in login.body, login.body
        return self.open(
            urllib.parse.urljoin(login.url, "/login.do"),
            sys_action="sysverb_login",
            sysparm_goto_url=login.hidden("sysparm_goto_url"),
            user_name=user_name,
            user_password=password,
        )

    def decide(self, consent: Page, button: str) -> Page:
        """Presses authorize or deny; the page that the browser ends at."""
        return self.open(consent.url, sysparm_ck=consent.hidden("sysparm_ck"), oauth_auth_check_action=button)
