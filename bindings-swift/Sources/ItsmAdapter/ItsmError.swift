import Foundation

/// What every operation throws: one case per ``ErrorKind``, each with all that is known. The details are members
/// of the error itself: `error.kind`, `error.retryAfterMs`, `error.context["held_by"]`.
@dynamicMemberLookup
public enum ItsmError: LocalizedError, CustomStringConvertible, Hashable, Sendable {
    /// An argument is wrong. Correct it; nothing was sent or changed.
    case invalidInput(ErrorInfo)
    /// The account, instance, connection or record does not exist. Check the id.
    case notFound(ErrorInfo)
    /// The operation does not fit the present status. Read the status and choose another operation.
    case illegalState(ErrorInfo)
    /// The account is already registered, with the instance named in the error. Unregister that one first.
    case alreadyRegistered(ErrorInfo)
    /// The Citrix Cloud account has no subscription that includes the ITSM Adapter. Talk to Citrix.
    case notEntitled(ErrorInfo)
    /// Credentials were refused. Re-authenticate with new ones.
    case unauthorized(ErrorInfo)
    /// The person pressed Deny in the browser. Ask again when they are ready.
    case consentDenied(ErrorInfo)
    /// The pending authorization is too old, already used, or not known. Begin a new one.
    case flowExpired(ErrorInfo)
    /// The credentials are good but a role or scope is missing. Grant what the error names.
    case forbidden(ErrorInfo)
    /// Something must be installed or switched on first. Do what the remedy says.
    case prerequisiteMissing(ErrorInfo)
    /// The remote limits the rate. Wait as long as the error says.
    case throttled(ErrorInfo)
    /// The remote, or the way to it, is down for now. Try again later.
    case unavailable(ErrorInfo)
    /// No answer came within the time allowed. Try again or allow more time.
    case timeout(ErrorInfo)
    /// The caller cancelled the operation.
    case cancelled(ErrorInfo)
    /// A write may or may not have happened, and reading back was impossible. Look before repeating it.
    case outcomeUnknown(ErrorInfo)
    /// The remote gave an answer that makes no sense. Report it with the transaction id.
    case `protocol`(ErrorInfo)
    /// The adapter's own store failed. Check the disk, the file or the database.
    case store(ErrorInfo)
    /// A sealed secret cannot be opened: the key is wrong or missing. Provide the right key.
    case sealed(ErrorInfo)
    /// A defect of this library. Report it; the state is unchanged.
    case `internal`(ErrorInfo)

    /// The case that the kind of these details names.
    public init(_ info: ErrorInfo) {
        self =
            switch info.kind {
            case .invalidInput: .invalidInput(info)
            case .notFound: .notFound(info)
            case .illegalState: .illegalState(info)
            case .alreadyRegistered: .alreadyRegistered(info)
            case .notEntitled: .notEntitled(info)
            case .unauthorized: .unauthorized(info)
            case .consentDenied: .consentDenied(info)
            case .flowExpired: .flowExpired(info)
            case .forbidden: .forbidden(info)
            case .prerequisiteMissing: .prerequisiteMissing(info)
            case .throttled: .throttled(info)
            case .unavailable: .unavailable(info)
            case .timeout: .timeout(info)
            case .cancelled: .cancelled(info)
            case .outcomeUnknown: .outcomeUnknown(info)
            case .protocol: .protocol(info)
            case .store: .store(info)
            case .sealed: .sealed(info)
            case .internal: .internal(info)
            }
    }

    /// All that is known.
    public var info: ErrorInfo {
        switch self {
        case .invalidInput(let info), .notFound(let info), .illegalState(let info), .alreadyRegistered(let info),
            .notEntitled(let info), .unauthorized(let info), .consentDenied(let info), .flowExpired(let info),
            .forbidden(let info), .prerequisiteMissing(let info), .throttled(let info), .unavailable(let info),
            .timeout(let info), .cancelled(let info), .outcomeUnknown(let info), .protocol(let info),
            .store(let info), .sealed(let info), .internal(let info):
            info
        }
    }

    /// Any detail, as a member of the error.
    public subscript<Detail>(dynamicMember detail: KeyPath<ErrorInfo, Detail>) -> Detail { info[keyPath: detail] }

    /// What happened, and what to do about it.
    public var errorDescription: String? { "\(info.message) \(info.remedy)" }
    /// The same, after the word of its kind.
    public var description: String { "\(info.kind.word): \(info.message) \(info.remedy)" }
}
