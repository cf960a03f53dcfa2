/// Calls into Rust so that cancelling the task ends the work there, and with the errors that people see.
///
/// - Throws: `ItsmError`, or `CancellationError` when the task was cancelled.
func crossing<Answer: Sendable>(_ call: (CancelToken) async throws -> Answer) async throws -> Answer {
    let token = CancelToken()
    do {
        return try await withTaskCancellationHandler {
            try await call(token)
        } onCancel: {
            token.cancel()
        }
    } catch NativeError.Failed(let info) {
        throw ItsmError(info)
    } catch NativeError.Cancelled {
        throw CancellationError()
    }
}
