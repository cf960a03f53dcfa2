// Ends the process while a worker is at work and a hundred calls wait for somebody who never answers. It must end at
// once, and well.

import Foundation
import ItsmAdapter

#if canImport(Glibc)
    let stream = Int32(SOCK_STREAM.rawValue)
#else
    let stream = SOCK_STREAM
#endif

let listening = socket(AF_INET, stream, 0)
var address = sockaddr_in()
address.sin_family = sa_family_t(AF_INET)
address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
var size = socklen_t(MemoryLayout<sockaddr_in>.size)
withUnsafeMutablePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        precondition(bind(listening, $0, size) == 0 && listen(listening, 128) == 0 && getsockname(listening, $0, &size) == 0)
    }
}

let client = try await Client.open(
    ClientOptions(
        store: "memory", citrixUrl: "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))", allowPrivateNetworks: true))
let worker = try await client.alerts.run()
for number in 0..<100 {
    Task.detached {
        try await client.accounts.add(
            AddAccount(customerId: "account\(number)", environment: .us, clientId: "id", clientSecret: "secret"))
    }
}
_ = accept(listening, nil, nil)
print("ending with calls under way")
exit(0)
