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
    } catch {
        throw shown(error)
    }
}

/// The error that people see.
private func shown(_ error: any Error) -> any Error {
    switch error as? NativeError {
    case .Failed(let info): ItsmError(info)
    case .Cancelled: CancellationError()
    case nil: error
    }
}
