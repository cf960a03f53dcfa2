import Foundation

/// A record of any table: column names and values. ServiceNow sends every value as text.
public typealias Record = [String: String]

/// One page of records.
public struct RecordPage<Row: Sendable>: Sendable {
    /// The records of this page. A page can be short in the middle: the instance counts before it hides records.
    public let items: [Row]
    /// Give it to the next call to go on; nil after the last page.
    public let next: String?
}

/// Records of the instance that an account is registered with (Table API). Types of your own work wherever ``Record``
/// does: say which with `as:`, or by the type of the result. `fields` empty means all columns.
///
/// All throw `.notFound` for what is not there or hidden, `.illegalState` when the account is not registered, and
/// `DecodingError` for records that are not of the type asked for.
public struct Records: Sendable {
    let native: NativeClient

    /// One record.
    public func get<Row: Decodable & Sendable>(
        _ customerId: String, table: String, sysId: String, fields: [String] = [], as type: Row.Type = Row.self
    ) async throws -> Row {
        try decoded(try await crossing {
            try await native.recordsGet(customerId, table, sysId, fields, $0)
        })
    }

    /// Records that match the query, at most `limit` of them (1 to 10,000; 100). No records can also mean no right to
    /// read them.
    public func query<Row: Decodable & Sendable>(
        _ customerId: String, table: String, query: [Condition] = [], fields: [String] = [], limit: UInt32? = nil,
        as type: Row.Type = Row.self
    ) async throws -> [Row] {
        try decoded(try await crossing {
            try await native.recordsQuery(customerId, table, query, fields, limit, $0)
        })
    }

    /// One page of a walk over all records that match, in the order of `sys_id`: stable, and in constant memory.
    /// `after` is the `next` of the page before, `size` 1 to 10,000 (1000). A column `sys_id` is always asked for.
    public func page<Row: Decodable & Sendable>(
        _ customerId: String, table: String, query: [Condition] = [], fields: [String] = [], size: UInt32? = nil,
        after: String? = nil, as type: Row.Type = Row.self
    ) async throws -> RecordPage<Row> {
        let page = try await crossing {
            try await native.recordsPage(customerId, table, query, fields, size, after, $0)
        }
        return RecordPage(items: try decoded(page.json), next: page.next)
    }

    /// Walks over all records that match, page by page; see ``page(_:table:query:fields:size:after:as:)``. While you have
    /// one page, the next one is already asked for.
    public func pages<Row: Decodable & Sendable>(
        _ customerId: String, table: String, query: [Condition] = [], fields: [String] = [], size: UInt32? = nil,
        as type: Row.Type = Row.self
    ) -> Pages<Row> {
        Pages { native.recordsPages(customerId, table, query, fields, size) }
    }

    /// Makes a record and gives it back as stored. When the outcome of the request is unknown, it is not sent again:
    /// look the record up by a key of yours.
    ///
    /// - Throws: `.outcomeUnknown` when the record may or may not exist; else nothing was made. A `DecodingError` means
    ///   that it was written, and that the answer does not fit the type.
    public func insert<Row: Decodable & Sendable>(
        _ customerId: String, table: String, record: some Encodable, fields: [String] = [], as type: Row.Type = Row.self
    ) async throws -> Row {
        let record = try encoded(record)
        return try decoded(try await crossing {
            try await native.recordsInsert(customerId, table, record, fields, $0)
        })
    }

    /// Makes many records, at most `inFlight` (1 to 1000; 64) at a time, and tells of each, in the order given, how it
    /// went. One that fails does not stop the others. A `DecodingError` means that it was written, and that the answer
    /// does not fit the type.
    public func insertMany<Row: Decodable & Sendable>(
        _ customerId: String, table: String, records: [some Encodable], fields: [String] = [], inFlight: UInt32? = nil,
        as type: Row.Type = Row.self
    ) async throws -> [Result<Row, any Error>] {
        let records = try encoded(records)
        return try await crossing {
            try await native.recordsInsertMany(customerId, table, records, fields, inFlight, $0)
        }.map { inserted in
            switch inserted {
            case .done(let json): Result { try decoded(json) }
            case .failed(let info): .failure(ItsmError(info))
            }
        }
    }

    /// Changes the columns given and gives the record back. Repeating an update whose outcome is unknown is safe, unless
    /// it writes a journal column such as `work_notes`.
    ///
    /// - Throws: as ``insert(_:table:record:fields:as:)``. A `DecodingError` means that it was written, and that the
    ///   answer does not fit the type.
    public func update<Row: Decodable & Sendable>(
        _ customerId: String, table: String, sysId: String, record: some Encodable, fields: [String] = [],
        as type: Row.Type = Row.self
    ) async throws -> Row {
        let record = try encoded(record)
        return try decoded(try await crossing {
            try await native.recordsUpdate(customerId, table, sysId, record, fields, $0)
        })
    }
}

/// What JSON text says, as the type that is asked for.
func decoded<Row: Decodable>(_ json: String) throws -> Row {
    try JSONDecoder().decode(Row.self, from: Data(json.utf8))
}

/// JSON as text, which crosses the border in one piece, where bytes go one by one.
func encoded(_ given: some Encodable) throws -> String {
    switch given {
    case let record as Record: try json(record)
    case let records as [Record]: "[\(try records.map(json).joined(separator: ","))]"
    default: String(decoding: try JSONEncoder().encode(given), as: UTF8.self)
    }
}

/// Four times as quick as the encoder, which is left with the texts that hold something to escape.
private func json(_ record: Record) throws -> String {
    "{\(try record.map { try "\(quoted($0)):\(quoted($1))" }.joined(separator: ","))}"
}

private func quoted(_ text: String) throws -> String {
    let plain = text.utf8.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    return plain ? "\"\(text)\"" : String(decoding: try JSONEncoder().encode(text), as: UTF8.self)
}
