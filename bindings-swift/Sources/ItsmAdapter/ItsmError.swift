import Foundation

/// What every operation throws: one case per ``ErrorKind``, each with all that is known. The details are members
/// of the error itself: `error.kind`, `error.retryAfterMs`, `error.context["held_by"]`.
@dynamicMemberLookup
public enum ItsmError: LocalizedError, CustomStringConvertible, Hashable, Sendable {
    case invalidInput(ErrorInfo)
    case notFound(ErrorInfo)
    case illegalState(ErrorInfo)
    case alreadyRegistered(ErrorInfo)
    case notEntitled(ErrorInfo)
    case unauthorized(ErrorInfo)
    case consentDenied(ErrorInfo)
    case flowExpired(ErrorInfo)
    case forbidden(ErrorInfo)
    case prerequisiteMissing(ErrorInfo)
    case throttled(ErrorInfo)
    case unavailable(ErrorInfo)
    case timeout(ErrorInfo)
    case cancelled(ErrorInfo)
    case outcomeUnknown(ErrorInfo)
    case protocolViolation(ErrorInfo)
    case store(ErrorInfo)
    case sealed(ErrorInfo)
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
            case .protocol: .protocolViolation(info)
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
            .timeout(let info), .cancelled(let info), .outcomeUnknown(let info), .protocolViolation(let info),
            .store(let info), .sealed(let info), .internal(let info):
            info
        }
    }

    public subscript<Detail>(dynamicMember detail: KeyPath<ErrorInfo, Detail>) -> Detail { info[keyPath: detail] }

    /// What happened, and what to do about it.
    public var errorDescription: String? { "\(info.message) \(info.remedy)" }
    public var description: String { "\(info.kind): \(info.message) \(info.remedy)" }
}
