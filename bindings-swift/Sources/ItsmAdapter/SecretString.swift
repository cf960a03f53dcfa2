import Foundation

/// A password, client secret or key: goes in, and does not print. Its memory is zeroed when the last copy is gone.
public struct SecretString: Sendable, Hashable, ExpressibleByStringLiteral {
    private let bytes: Bytes

    /// Takes a copy; the text given is the caller's to forget.
    public init(_ text: String) { bytes = Bytes(text) }
    public init(stringLiteral text: String) { bytes = Bytes(text) }

    /// The text itself, for the crossing into Rust.
    var exposed: String { String(decoding: bytes.buffer, as: UTF8.self) }

    public static func == (one: Self, other: Self) -> Bool { one.bytes.buffer.elementsEqual(other.bytes.buffer) }
    public func hash(into hasher: inout Hasher) { hasher.combine(bytes: UnsafeRawBufferPointer(bytes.buffer)) }

    /// Written once, by its initializer.
    private final class Bytes: @unchecked Sendable {
        let buffer: UnsafeMutableBufferPointer<UInt8>

        init(_ text: String) {
            buffer = .allocate(capacity: text.utf8.count)
            _ = buffer.initialize(from: text.utf8)
        }

        deinit {
            if let start = buffer.baseAddress { memset(start, 0, buffer.count) }
            buffer.deallocate()
        }
    }
}

extension SecretString: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "[redacted]" }
    public var debugDescription: String { "[redacted]" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
