// swift-tools-version:6.0
import PackageDescription

let package = Package(
    name: "ScenarioRunner",
    platforms: [.macOS(.v13)],
    dependencies: [.package(name: "ItsmAdapter", path: "../../../bindings-swift")],
    targets: [
        .executableTarget(name: "ScenarioRunner", dependencies: ["ItsmAdapter"]),
        .executableTarget(name: "ExitInFlight", dependencies: ["ItsmAdapter"]),
    ],
    swiftLanguageModes: [.v6]
)
