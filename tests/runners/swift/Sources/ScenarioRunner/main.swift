// Runs the scenarios of tests/scenarios through the Swift face of the adapter. Knows no scenario; the format is
// described in tests/scenarios/README.md.
//
// Usage: ScenarioRunner FOLDER [PART OF "story: name"]

import Foundation
import ItsmAdapter

let mine = ["ITSM_ADAPTER_", "CITRIX_", "SERVICENOW_"], proxies = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"]
for name in ProcessInfo.processInfo.environment.keys
where mine.contains(where: name.hasPrefix) || proxies.contains(name.uppercased()) { unsetenv(name) }

let folder = URL(fileURLWithPath: CommandLine.arguments.dropFirst().first ?? "tests/scenarios")
let only = CommandLine.arguments.dropFirst(2).first ?? ""
func read(_ file: URL) throws -> Json {
    try inside(file.lastPathComponent) { try JSONDecoder().decode(Json.self, from: Data(contentsOf: file)) }
}

let common = try read(folder.appendingPathComponent("common.json"))
let simulator = try Simulator(common["simulator"].list!.compactMap(\.text))
let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    .filter { $0.pathExtension == "json" }.sorted { $0.lastPathComponent < $1.lastPathComponent }
var (run, failed) = (0, 0)
for file in files {
    let story = try read(file)
    for scenario in story["story"] == .null ? [] : story["scenarios"].list! {
        for row in scenario["each"].list ?? [.null] {
            let place = row["name"].text.map { " [\($0)]" } ?? ""
            let name = "\(file.deletingPathExtension().lastPathComponent): \(scenario["name"].text!)\(place)"
            guard only.isEmpty || name.contains(only) else { continue }
            run += 1
            let temporary = FileManager.default.temporaryDirectory.appendingPathComponent("scenario-\(UUID())")
            try FileManager.default.createDirectory(at: temporary, withIntermediateDirectories: true)
            _ = try await simulator.control("POST /reset")
            let stage = Stage(
                simulator, recipes: common["recipes"], options: common["client"].under(scenario["client"]),
                variables: try simulator.variables(storeFile: temporary.appendingPathComponent("adapter.db").path, row: row))
            do { try await stage.perform(scenario["steps"].list!) } catch {
                failed += 1
                print("FAIL \(name)\n     \(error)")
            }
            await stage.close()
            try FileManager.default.removeItem(at: temporary)
        }
    }
}
print("swift: \(run) scenarios, \(failed) failed")
exit(failed == 0 && run > 0 ? 0 : 1)
