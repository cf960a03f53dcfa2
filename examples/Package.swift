// swift-tools-version:6.0
import PackageDescription

// The Swift examples: `swift run quickstart` in this folder. A package of your own looks the same.
func example(_ name: String) -> Target {
    .executableTarget(name: name, dependencies: ["ItsmAdapter"], path: "\(name)/swift")
}

let package = Package(
    name: "examples",
    platforms: [.macOS(.v13)],
    dependencies: [.package(name: "ItsmAdapter", path: "../bindings-swift")],
    targets: ["quickstart", "register-service-account", "register-user-consent", "deliver-alerts", "manage-list"].map(example),
    swiftLanguageModes: [.v6]
)
