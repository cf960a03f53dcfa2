import Foundation
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A browser as far as a consent needs one: cookies, forms, and redirects that are looked at one by one.
actor Browser {
    struct Page: Sendable {
        let address: URL
        let status: Int
        let text: String
        let location: URL?

        /// Where the form of this page leads to, and its hidden fields.
        func form() throws -> (action: URL, fields: [(String, String)]) {
            let form = try #require(text.firstMatch(of: #/<form [^>]*action="([^"]*)"/#), "no form: \(text)")
            let hidden = text.matches(of: #/<input type="hidden" name="([^"]*)" value="([^"]*)">/#)
            let action = try #require(URL(string: Self.plain(form.1), relativeTo: address)?.absoluteURL)
            return (action, hidden.map { (String($0.1), Self.plain($0.2)) })
        }

        private static func plain(_ text: Substring) -> String {
            [("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&#39;", "'"), ("&amp;", "&")]
                .reduce(String(text)) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
        }
    }

    private let session: URLSession
    private var cookies: [String: String] = [:]

    init() {
        let configuration = URLSessionConfiguration.ephemeral
        (configuration.httpShouldSetCookies, configuration.httpCookieAcceptPolicy) = (false, .never)
        session = URLSession(configuration: configuration, delegate: Stay(), delegateQueue: nil)
    }

    /// Opens the address, signs in, and presses the button of the consent page: where it is sent back to.
    func consent(at address: String, as user: [String: String], pressing button: String) async throws -> URL {
        let login = try await get(try #require(URL(string: address)))
        #expect(login.text.contains("user_password"), "the login page: \(login.text)")
        let signedIn = try await submit(
            login, with: [("user_name", user["user_name"]!), ("user_password", user["password"]!)])
        let consent = try await get(try #require(signedIn.location, "not signed in: \(signedIn.text)"))
        #expect(consent.text.contains("would like to connect"), "the consent page: \(consent.text)")
        return try #require(try await submit(consent, with: [("oauth_auth_check_action", button)]).location)
    }

    func get(_ address: URL) async throws -> Page { try await ask(URLRequest(url: address)) }

    private func submit(_ page: Page, with fields: [(String, String)]) async throws -> Page {
        let form = try page.form()
        var request = URLRequest(url: form.action)
        request.httpMethod = "POST"
        request.setValue("application/x-www-form-urlencoded", forHTTPHeaderField: "Content-Type")
        let harmless = CharacterSet.alphanumerics
        let pairs = (form.fields + fields).map { name, value in
            "\(name)=\(value.addingPercentEncoding(withAllowedCharacters: harmless)!)"
        }
        request.httpBody = Data(pairs.joined(separator: "&").utf8)
        return try await ask(request)
    }

    private func ask(_ request: URLRequest) async throws -> Page {
        var request = request
        let address = request.url!
        // Cookies count for the host whatever its port; the listener must not be sent those of the instance.
        let origin = "\(address.host!):\(address.port ?? 80)"
        if let own = cookies[origin] { request.setValue(own, forHTTPHeaderField: "Cookie") }
        let (data, response) = try await session.data(for: request)
        let answer = try #require(response as? HTTPURLResponse)
        let headers = answer.allHeaderFields.reduce(into: [String: String]()) { $0["\($1.key)"] = "\($1.value)" }
        let given = HTTPCookie.cookies(withResponseHeaderFields: headers, for: address)
        if !given.isEmpty { cookies[origin] = given.map { "\($0.name)=\($0.value)" }.joined(separator: "; ") }
        let location = answer.value(forHTTPHeaderField: "Location").flatMap { URL(string: $0, relativeTo: address) }
        return Page(
            address: address, status: answer.statusCode, text: String(decoding: data, as: UTF8.self),
            location: location?.absoluteURL)
    }

    /// Follows no redirect.
    private final class Stay: NSObject, URLSessionTaskDelegate {
        func urlSession(
            _: URLSession, task _: URLSessionTask, willPerformHTTPRedirection _: HTTPURLResponse, newRequest _: URLRequest,
            completionHandler: @escaping (URLRequest?) -> Void
        ) { completionHandler(nil) }
    }
}
