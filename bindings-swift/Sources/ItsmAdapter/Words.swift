/// An enum whose cases are words: the same ones in every language, in JSON and in settings.
public protocol Word: CaseIterable, Sendable {}

extension Word {
    /// The word of this case: its name in snake case, such as `us_government`.
    public var word: String {
        "\(self)".reduce(into: "") { $0 += $1.isUppercase ? "_\($1.lowercased())" : "\($1)" }
    }

    /// The case of a word; nil when it is none of `allCases`.
    public init?(word: String) {
        guard let one = Self.allCases.first(where: { $0.word == word }) else { return nil }
        self = one
    }
}

extension AlertSource: Word {}
extension AlertState: Word {}
extension CheckName: Word {}
extension CheckOutcome: Word {}
extension ChosenSysId: Word {}
extension ConnectionStatus: Word {}
extension DeliveryStatus: Word {}
extension EntitlementGroup: Word {}
extension Environment: Word {}
extension ErrorKind: Word {}
extension EventKind: Word {}
extension GrantKind: Word {}
extension InstanceHealth: Word {}
extension LogLevel: Word {}
extension LookUp: Word {}
extension Operator: Word {}
extension PolicyAction: Word {}
extension ServiceState: Word {}
extension Severity: Word {}
