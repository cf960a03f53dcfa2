import Foundation
import Testing

/// Every operation of tests/scenarios/operations.json is on the face, and documented.
@Suite struct OperationTests {
    static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    @Test func everyOperationIsThereAndDocumented() throws {
        let list = Self.package.appendingPathComponent("../tests/scenarios/operations.json")
        let operations = try JSONDecoder().decode([String: [String]].self, from: Data(contentsOf: list))
        let sources = try FileManager.default.contentsOfDirectory(
            at: Self.package.appendingPathComponent("Sources/ItsmAdapter"), includingPropertiesForKeys: nil)
        let face = try sources.filter { $0.pathExtension == "swift" }
            .map { try String(contentsOf: $0, encoding: .utf8) }.joined(separator: "\n")
        #expect(operations.values.joined().count >= 40)
        for (resource, names) in operations {
            let type = try #require(body(of: resource.capitalized, in: face), "there is no type for \(resource)")
            for name in names {
                let declared = try Regex("(?m)^    public (static )?(func|var) \(camelCase(name))\\b")
                let match = try #require(type.firstMatch(of: declared), "\(resource).\(name) is not there")
                let before = type[..<match.range.lowerBound].split(separator: "\n").reversed()
                let first = before.first { !$0.hasPrefix("    @") }
                #expect(first?.hasPrefix("    /// ") == true, "\(resource).\(name) is not documented")
            }
        }
    }

    /// What is between `public struct Name` and the end of it.
    private func body(of type: String, in face: String) -> Substring? {
        guard let start = face.range(of: "public struct \(type): ") else { return nil }
        let end = face.range(of: "\n}\n", range: start.upperBound..<face.endIndex)
        return face[start.upperBound..<(end?.lowerBound ?? face.endIndex)]
    }

    private func camelCase(_ name: String) -> String {
        let words = name.split(separator: "_")
        return words[0] + words.dropFirst().map(\.capitalized).joined()
    }
}
