#if os(Linux)
    import XCTest

    @testable import ItsmAdapter

    /// What stays behind in memory. With XCTest, because Swift Testing keeps the backtrace of every error that is thrown
    /// for as long as a test takes: 400 bytes and more for each.
    final class MemoryTests: XCTestCase {
        func testMemoryIsFlatOverTenThousandErrors() async throws {
            let client = try await Client.open(ClientOptions(store: "memory"))
            try await flat(to: 16) {
                _ = try? await client.accounts.get("nobody")
            }
        }

        func testMemoryIsFlatOverTenThousandCalls() async throws {
            let world = try await World()
            let client = try await world.client()
            _ = try await client.accounts.add(world.addAccount)
            try await flat(to: 100) {
                _ = try await client.accounts.get(world.customer)
                client.unobserve(client.observe(Listener { _ in }))
                let task = Task { await client.subscribe().next() }
                task.cancel()
                _ = await task.value
            }
        }

        /// Makes calls, ten thousand at a time, and wants to see that many of them left no more than so many bytes each.
        private func flat(to bytes: Int, _ call: () async throws -> Void) async throws {
            func resident() throws -> Int {
                let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")[1]
                return Int(pages)! * 4096
            }
            for _ in 0..<2_000 { try await call() }
            // An allocator takes more now and then, in large pieces; a leak grows every time.
            var growths: [Int] = []
            for _ in 0..<8 {
                let before = try resident()
                for _ in 0..<10_000 { try await call() }
                growths.append(try resident() - before)
            }
            XCTAssertLessThan(growths.min()!, bytes * 10_000, "grew by \(growths) bytes")
        }
    }
#endif
