// swift-tools-version:6.0
import PackageDescription

let package = Package(
    name: "Benches",
    platforms: [.macOS(.v13)],
    dependencies: [.package(path: "../../../bindings-swift")],
    targets: [
        .executableTarget(name: "Ours", dependencies: [.product(name: "ItsmAdapter", package: "bindings-swift")])
    ],
    swiftLanguageModes: [.v6]
)
