// swift-tools-version:6.0
import PackageDescription

// The folder with libitsm_adapter_swift.a, which generate.sh fills.
let library = Context.environment["ITSM_ADAPTER_LIB"] ?? "\(Context.packageDirectory)/lib"

let package = Package(
    name: "ItsmAdapter",
    platforms: [.macOS(.v13), .iOS(.v16)],
    products: [.library(name: "ItsmAdapter", targets: ["ItsmAdapter"])],
    targets: [
        // C headers and their module map, generated. On Apple platforms a .binaryTarget with an xcframework takes
        // its place; see README.md.
        .target(name: "ItsmAdapterFFI"),
        // The face, and beside it in Generated/ what uniffi writes.
        .target(
            name: "ItsmAdapter",
            dependencies: ["ItsmAdapterFFI"],
            linkerSettings: [
                .unsafeFlags(["-L\(library)"]),
                .linkedLibrary("itsm_adapter_swift"),
                .linkedLibrary("m", .when(platforms: [.linux])),
                .linkedFramework("Security", .when(platforms: [.macOS, .iOS])),
                .linkedFramework("CoreFoundation", .when(platforms: [.macOS, .iOS])),
                .linkedFramework("SystemConfiguration", .when(platforms: [.macOS, .iOS])),
            ]
        ),
        .testTarget(name: "ItsmAdapterTests", dependencies: ["ItsmAdapter"]),
    ],
    swiftLanguageModes: [.v6]
)
