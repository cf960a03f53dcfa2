extension Json {
    /// Whether a value is as this pattern wants it; throws where and why not.
    func match(_ value: Json) throws {
        let differs = Failure("expected \(written), found \(value.written.prefix(2000))")
        switch (self, value) {
        case (.object(let matchers), _) where matchers.keys.contains { $0.hasPrefix("$") }:
            for (name, operand) in matchers where try !operand.meets(name, value) { throw differs }
        case (.object(let fields), .object):
            for (key, wanted) in fields { try inside(key) { try wanted.match(value[key]) } }
        case (.list(let wanted), .list(let found)) where wanted.count == found.count:
            for (at, pair) in zip(wanted, found).enumerated() { try inside("\(at)") { try pair.0.match(pair.1) } }
        default:
            if self != value { throw differs }
        }
    }

    private func matches(_ value: Json) -> Bool { (try? match(value)) != nil }

    private func meets(_ matcher: String, _ value: Json) throws -> Bool {
        let each = list ?? [self]
        switch matcher {
        case "$present": return value != .null
        case "$contains": return each.allSatisfy { $0.isHeld(by: value) }
        case "$lacks": return (value.text != nil || value.list != nil) && !each.contains { $0.isHeld(by: value) }
        case "$starts_with": return value.text?.hasPrefix(text ?? "\0") == true
        case "$length":
            let length = value.text.map(\.unicodeScalars.count) ?? value.list?.count
            return length.map { matches(.number(Double($0))) } ?? false
        case "$at_least": return value.number.map { $0 >= number ?? .infinity } ?? false
        case "$at_most": return value.number.map { $0 <= number ?? -.infinity } ?? false
        case "$each": return value.list?.allSatisfy(matches) == true
        case "$one_of": return each.contains { $0.matches(value) }
        default: throw Failure("there is no matcher \(matcher)")
        }
    }

    private func isHeld(by value: Json) -> Bool {
        if let text, let whole = value.text { return whole.contains(text) }
        return value.list?.contains(where: matches) == true
    }
}

func inside<Answer>(_ place: String, _ work: () throws -> Answer) throws -> Answer {
    do { return try work() } catch let failure as Failure { throw Failure("\(place): \(failure)") }
}
