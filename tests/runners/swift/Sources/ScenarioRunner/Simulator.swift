import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// The simulator as a process of its own; it ends with this value.
final class Simulator: Sendable {
    let startup: Json
    private let input = Pipe()

    init(_ arguments: [String]) throws {
        let target = ProcessInfo.processInfo.environment["CARGO_TARGET_DIR"] ?? "target"
        let built = ["debug", "release"].map { "\(target)/\($0)/itsm-simulator" }.first(where: FileManager.default.isExecutableFile)
        guard let program = ProcessInfo.processInfo.environment["ITSM_SIMULATOR"] ?? built else { throw Failure("there is no simulator") }
        let process = Process(), output = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments + ["--until-stdin-closes"]
        (process.standardInput, process.standardOutput) = (input, output)
        try process.run()
        var line = Data()
        while !line.contains(UInt8(ascii: "\n")) {
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { throw Failure("the simulator said nothing") }
            line += more
        }
        startup = try JSONDecoder().decode(Json.self, from: line)
    }

    /// Variables of every scenario.
    func variables(storeFile: String, row: Json) throws -> Json {
        let users = startup["users"].list!.map { ($0["user_name"].text!, $0) }
        let clients = Dictionary(grouping: startup["oauth_clients"].list!) { $0["instance"].text! }
        let variables = Json.object([
            "citrix_url": startup["citrix_url"], "control_url": startup["control_url"], "instances": startup["instances"],
            "accounts": .object(Dictionary(uniqueKeysWithValues: startup["accounts"].list!.map { ($0["customer_id"].text!, $0) })),
            "users": .object(Dictionary(users) { first, _ in first }), "clients": .object(clients.mapValues(Json.list)),
            "store_file": .text(storeFile),
        ])
        return variables.under(.object(["row": try row.resolved(variables)]))
    }

    /// Every secret that it announced.
    var secrets: [String] {
        ["accounts", "users", "oauth_clients"].flatMap { startup[$0].list! }.flatMap { [$0["client_secret"], $0["password"]] }
            .compactMap(\.text)
    }

    func control(_ call: String, _ body: Json = .null) async throws -> (status: Int, answer: Json) {
        let words = call.split(separator: " ")
        var request = URLRequest(url: URL(string: startup["control_url"].text! + words[1])!)
        request.httpMethod = String(words[0])
        if body != .null {
            request.httpBody = Data(body.written.utf8)
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        }
        let (data, response) = try await URLSession.shared.data(for: request)
        return ((response as! HTTPURLResponse).statusCode, try JSONDecoder().decode(Json.self, from: data))
    }

    /// Asks for a page and follows nothing.
    func visit(_ page: String) async throws -> Json {
        guard let address = URL(string: page) else { throw Failure("no address: \(page)") }
        let (data, response) = try await Self.staying.data(from: address)
        let status = (response as! HTTPURLResponse).statusCode
        return .object(["status": .number(Double(status)), "body": .text(String(decoding: data, as: UTF8.self))])
    }

    private static let staying = URLSession(configuration: .ephemeral, delegate: Stay(), delegateQueue: nil)

    private final class Stay: NSObject, URLSessionTaskDelegate {
        func urlSession(
            _: URLSession, task _: URLSessionTask, willPerformHTTPRedirection _: HTTPURLResponse, newRequest _: URLRequest,
            completionHandler: @escaping (URLRequest?) -> Void
        ) { completionHandler(nil) }
    }
}
