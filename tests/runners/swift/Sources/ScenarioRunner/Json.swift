import Foundation
import ItsmAdapter

/// Data of a scenario, and what results are looked at as.
enum Json: Codable, Equatable, Sendable {
    case null, bool(Bool), number(Double), text(String), list([Json]), object([String: Json])

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() { self = .null }
        else if let it = try? value.decode(Bool.self) { self = .bool(it) }
        else if let it = try? value.decode(Double.self) { self = .number(it) }
        else if let it = try? value.decode(String.self) { self = .text(it) }
        else if let it = try? value.decode([Json].self) { self = .list(it) }
        else { self = .object(try value.decode([String: Json].self)) }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let it): try container.encode(it)
        case .number(let it): try container.encode(it)
        case .text(let it): try container.encode(it)
        case .list(let it): try container.encode(it)
        case .object(let it): try container.encode(it)
        }
    }

    /// Any value of the adapter, by reflection: casing and kinds as the scenarios have them.
    init(_ value: Any) {
        let mirror = Mirror(reflecting: value)
        switch (value, mirror.displayStyle) {
        case (let it as any Word, _): self = .text(it.word)
        case (let it as Json, _): self = it
        case (let it as Bool, _): self = .bool(it)
        case (let it as any BinaryInteger, _): self = .number(Double(Int64(it)))
        case (let it as String, _): self = .text(it)
        case (let it as [String: String], _): self = .object(it.mapValues(Json.text))
        case (let it as Date, _): self = .text(it.description)
        case (_, .optional): self = mirror.children.first.map { Json($0.value) } ?? .null
        case (_, .collection): self = .list(mirror.children.map { Json($0.value) })
        default:
            let fields = mirror.children.map { (snakeCase($0.label!), Json($0.value)) }
            self = fields.isEmpty ? .null : .object(Dictionary(uniqueKeysWithValues: fields))
            // Which reflection does not show.
            if let it = value as? Authorization { self = under(.object(["authorization_url": .text(it.authorizationUrl)])) }
        }
    }

    /// What is there under a name or position; null for nothing.
    subscript(_ name: String) -> Json { inner(name) ?? .null }

    private func inner(_ name: String) -> Json? {
        switch self {
        case .object(let fields): fields[name]
        case .list(let list): Int(name).flatMap { list.indices.contains($0) ? list[$0] : nil }
        default: nil
        }
    }

    var text: String? { if case .text(let it) = self { it } else { nil } }
    var number: Double? { if case .number(let it) = self { it } else { nil } }
    var list: [Json]? { if case .list(let it) = self { it } else { nil } }
    var object: [String: Json]? { if case .object(let it) = self { it } else { nil } }
    var written: String { String(decoding: (try? JSONEncoder().encode(self)) ?? Data(), as: UTF8.self) }

    /// All texts in it, also the keys.
    var texts: [String] {
        switch self {
        case .text(let it): [it]
        case .list(let it): it.flatMap(\.texts)
        case .object(let it): it.flatMap { [$0.key] + $0.value.texts }
        default: []
        }
    }

    /// The value at a path of names and positions; nil when there is no such path.
    func at(_ path: String) -> Json? { path.split(separator: "/").reduce(self) { $0?.inner(String($1)) } }

    /// One object laid over another.
    func under(_ above: Json) -> Json { .object((object ?? [:]).merging(above.object ?? [:]) { $1 }) }

    /// The same data with every variable replaced, and `$json` and `$repeat` carried out.
    func resolved(_ variables: Json) throws -> Json {
        switch self {
        case .text(let text):
            var out = "", rest = text[...]
            while let start = rest.range(of: "${") {
                guard let end = rest[start.upperBound...].firstIndex(of: "}") else { throw Failure("no end of a variable: \(text)") }
                let path = String(rest[start.upperBound..<end])
                guard let value = variables.at(path) else { throw Failure("there is no variable \(path)") }
                if start.lowerBound == text.startIndex, text.index(after: end) == text.endIndex { return value }
                out += rest[..<start.lowerBound] + (value.text ?? value.written)
                rest = rest[text.index(after: end)...]
            }
            return .text(out + rest)
        case .list(let list): return .list(try list.map { try $0.resolved(variables) })
        case .object(let fields):
            let fields = try fields.mapValues { try $0.resolved(variables) }
            if let value = fields["$json"] { return .text(value.written) }
            guard let `repeat` = fields["$repeat"] else { return .object(fields) }
            return .text(String(repeating: `repeat`["0"].text!, count: Int(`repeat`["1"].number!)))
        default: return self
        }
    }
}

/// Why a scenario does not hold, or cannot be run.
struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

func snakeCase(_ name: String) -> String {
    name.reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) }
}
