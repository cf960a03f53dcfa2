import Foundation
import Testing

@testable import ItsmAdapter

/// The words of enums, as all languages have them.
@Suite struct WordTests {
    @Test func casesHaveTheWordsOfTheOtherLanguages() {
        #expect(Environment.allCases.map(\.word) == ["us", "eu", "asia_pacific_south", "japan", "us_government"])
        #expect(GrantKind.serviceAccount.word == "service_account")
        #expect(ErrorKind.alreadyRegistered.word == "already_registered")
        #expect(ErrorKind.protocol.word == "protocol" && ErrorKind.internal.word == "internal")
        #expect(CheckName.tableApi.word == "table_api" && EventKind.lookUpBroken.word == "look_up_broken")
    }

    @Test func aWordMakesItsCase() {
        #expect(Environment(word: "us_government") == .usGovernment)
        #expect(Environment(word: "usGovernment") == nil && Severity(word: "") == nil)
        for kind in EventKind.allCases { #expect(EventKind(word: kind.word) == kind) }
    }

    @Test func everyEnumHasWords() throws {
        let sources = OperationTests.package.appendingPathComponent("Sources/ItsmAdapter")
        let model = try String(contentsOf: sources.appendingPathComponent("Generated/Model.swift"), encoding: .utf8)
        let words = try String(contentsOf: sources.appendingPathComponent("Words.swift"), encoding: .utf8)
        let enums = model.matches(of: /public enum (\w+)/).map(\.1)
        #expect(enums.count >= 19)
        for name in enums { #expect(words.contains("extension \(name): Word {}")) }
    }
}
