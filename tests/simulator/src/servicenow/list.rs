//! Table API reads: lists and single records.

use super::Moment;
use super::acl;
use super::envelope;
use super::filter::Filter;
use super::glide::Glide;
use super::identity::Who;
use super::query::{Condition, Operator, Query};
use super::record::{Row, SysId};
use super::render::{Printer, View};
use super::table::Table;
use crate::http_message::{Answer, Ask, encode};

/// Rows on a page when nothing else is asked for.
const DEFAULT_LIMIT: usize = 10_000;

/// `GET /api/now/table/{t}/{sys_id}`.
pub(super) fn one(glide: &mut Glide, ask: &Ask, moment: &Moment<'_>, who: &Who, table: &str, id: &str) -> Answer {
    glide.load_choices();
    let glide = &*glide;
    let Some(table) = glide.table(table) else { return envelope::invalid_table(table) };
    let row = SysId::parse(id).and_then(|id| table.rows.get(&id));
    match row.filter(|row| acl::may_read(who, table, row, &glide.switches)) {
        Some(row) => Answer::bytes(200, envelope::JSON, single(glide, ask, moment, who, table, row)),
        None => envelope::no_record(),
    }
}

/// One record in its `result` wrapper.
pub(super) fn single(glide: &Glide, ask: &Ask, moment: &Moment<'_>, who: &Who, table: &Table, row: &Row) -> Vec<u8> {
    let view = View::read(ask, moment.base);
    let mut body = Vec::with_capacity(3072);
    body.extend_from_slice(b"{\"result\":");
    Printer::new(glide, table, who, &view).print(row, &mut body);
    body.push(b'}');
    body
}

/// The numbers of a list request.
struct Window {
    limit: usize,
    offset: usize,
    counts: bool,
    links: bool,
}

impl Window {
    fn read(ask: &Ask) -> Result<Self, Box<Answer>> {
        let number =
            |name: &str, default: usize| match ask.param(name) {
                None => Ok(default),
                Some(text) if text.trim().starts_with('-') && name == "sysparm_offset" => Err(Box::new(
                    envelope::failure(400, "Invalid value for sysparm_offset", Some("Pagination not supported")),
                )),
                // A limit that is no number is ignored.
                Some(text) => Ok(text.trim().parse().unwrap_or(default)),
            };
        Ok(Self {
            limit: number("sysparm_limit", DEFAULT_LIMIT)?,
            offset: number("sysparm_offset", 0)?,
            counts: ask.param("sysparm_no_count").as_deref() != Some("true"),
            links: ask.param("sysparm_suppress_pagination_header").as_deref() != Some("true"),
        })
    }
}

/// `GET /api/now/table/{t}`.
pub(super) fn many(glide: &mut Glide, ask: &Ask, moment: &Moment<'_>, who: &Who, name: &str, is_v1: bool) -> Answer {
    glide.load_choices();
    glide.lists += 1;
    let glide = &*glide;
    let Some(table) = glide.table(name) else { return envelope::invalid_table(name) };
    let window = match Window::read(ask) {
        Ok(window) => window,
        Err(refusal) => return *refusal,
    };
    let mut query = query(ask);
    let is_dropped =
        |field: &str| glide.switches.conditions_dropped.iter().any(|own| *own == format!("{name}.{field}"));
    for condition in query.alternatives.iter_mut().flatten().flatten().filter(|condition| is_dropped(&condition.field))
    {
        condition.operator = None;
    }
    let filter = Filter::compile(&glide.tables, table, &query, who.user_id.as_str(), &who.user_name);
    if let Some(refusal) = range_refusal(glide, who, name, &filter) {
        return refusal;
    }
    let gives_nothing = glide.switches.invalid_query_returns_no_rows && !filter.unknown.is_empty();
    let (rows, total) = if gives_nothing { (Vec::new(), Some(0)) } else { select(glide, table, &filter, &window) };
    // Rights are looked at after the limit: a page can be short although more rows follow.
    let visible: Vec<&Row> = rows.into_iter().filter(|row| acl::may_read(who, table, row, &glide.switches)).collect();
    if is_v1 && visible.is_empty() {
        return envelope::no_record();
    }
    let view = View::read(ask, moment.base);
    let printer = Printer::new(glide, table, who, &view);
    let mut body = Vec::with_capacity(64 + visible.len() * 256);
    body.extend_from_slice(b"{\"result\":[");
    for (n, row) in visible.iter().enumerate() {
        if n > 0 {
            body.push(b',');
        }
        printer.print(row, &mut body);
    }
    body.extend_from_slice(b"]}");
    let mut answer = Answer::bytes(200, envelope::JSON, body);
    if let Some(total) = total {
        if window.counts {
            answer.set("x-total-count", total.to_string());
        }
        if window.links {
            answer.set("link", links(ask, &window, total));
        }
    }
    answer
}

/// The query of the request: `sysparm_query`, or plain `name=value` parameters where it is absent.
pub(super) fn query(ask: &Ask) -> Query {
    if let Some(text) = ask.param("sysparm_query") {
        return Query::parse(&text);
    }
    let conditions = ask
        .params()
        .into_iter()
        .filter(|(name, _)| !name.starts_with("sysparm_") && name != "access_token")
        .map(|(field, value)| vec![Condition { field, operator: Some(Operator::Equals), value }])
        .collect();
    Query { alternatives: vec![conditions], order: Vec::new() }
}

/// A query rule against range operators and sorting.
fn range_refusal(glide: &Glide, who: &Who, table: &str, filter: &Filter) -> Option<Answer> {
    if who.roles.is_admin() {
        return None;
    }
    let field = filter
        .ranged
        .iter()
        .find(|field| glide.switches.range_denied.iter().any(|denied| *denied == format!("{table}.{field}")))?;
    let detail = format!("insufficient access for query_range operation on {table}.{field}");
    Some(envelope::failure(403, "Insufficient rights to query records", Some(&detail)))
}

/// The rows of the window, and how many match altogether where that is wanted.
fn select<'a>(glide: &'a Glide, table: &'a Table, filter: &Filter, window: &Window) -> (Vec<&'a Row>, Option<usize>) {
    let mut matching = filter.candidates(table).filter(|row| filter.matches(&glide.tables, row));
    if filter.is_id_order() {
        let page: Vec<&Row> = matching.by_ref().skip(window.offset).take(window.limit).collect();
        if !window.counts {
            return (page, None);
        }
        let total = match page.len() {
            0 => filter.candidates(table).filter(|row| filter.matches(&glide.tables, row)).count(),
            shown => window.offset + shown + matching.count(),
        };
        return (page, Some(total));
    }
    let mut all: Vec<&Row> = matching.collect();
    let total = all.len();
    if filter.has_order() {
        filter.sort(&glide.tables, &mut all);
    } else if glide.switches.unstable_order && total > 1 {
        // Without an order the database gives rows as it finds them, which changes from call to call.
        let step = usize::try_from(glide.lists % 1_000_003).unwrap_or(0);
        all.rotate_left((step * 7) % total);
        if step % 2 == 1 {
            all.reverse();
        }
    }
    (all.into_iter().skip(window.offset).take(window.limit).collect(), Some(total))
}

/// The `Link` header with absolute addresses.
fn links(ask: &Ask, window: &Window, total: usize) -> String {
    let others: Vec<String> = ask
        .params()
        .into_iter()
        .filter(|(name, _)| name != "sysparm_offset" && name != "sysparm_limit" && name != "access_token")
        .map(|(name, value)| format!("{name}={}", encode(&value)))
        .collect();
    let limit = window.limit.max(1);
    let link = |offset: usize, rel: &str| {
        let mut query = others.clone();
        query.push(format!("sysparm_limit={}", window.limit));
        query.push(format!("sysparm_offset={offset}"));
        format!("<{}{}?{}>;rel=\"{rel}\"", ask.base, ask.path, query.join("&"))
    };
    let mut list = vec![link(0, "first")];
    if window.offset > 0 {
        list.push(link(window.offset.saturating_sub(limit), "prev"));
    }
    if window.offset.saturating_add(window.limit) < total {
        list.push(link(window.offset + window.limit, "next"));
    }
    list.push(link(total.saturating_sub(1) / limit * limit, "last"));
    list.join(",")
}
