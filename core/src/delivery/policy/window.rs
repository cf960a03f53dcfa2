//! Maintenance windows: whether one is open, and when it ends.
//!
//! Windows are told in the time of a place, and places change their clocks. A time that clocks skip is taken as the
//! first instant after the gap. A time that they show twice is the first of the two for a beginning, and the second
//! for an end: the window covers the whole repeated hour.

use chrono::{
    DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc, Weekday, offset::LocalResult,
};
use chrono_tz::Tz;

use super::matching::Matcher;
use crate::{
    error::{Error, Result},
    model::{Day, DuringMaintenance, MaintenanceWindow},
    transport::clean,
};

/// A window, ready to be asked.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) name: String,
    pub(super) when: Matcher,
    pub(super) then: DuringMaintenance,
    zone: Tz,
    weekly: Vec<Weekly>,
    once: Vec<(DateTime<Utc>, DateTime<Utc>)>,
}

#[derive(Debug)]
struct Weekly {
    days: Vec<Weekday>,
    from: NaiveTime,
    until: NaiveTime,
}

/// Which of two instants that have the same local time.
#[derive(Clone, Copy)]
enum Edge {
    Beginning,
    End,
}

impl Window {
    /// # Errors
    /// `invalid_input` for an unknown time zone, a time that cannot be read, or a window without a time.
    pub(super) fn compile(given: &MaintenanceWindow) -> Result<Self> {
        let zone: Tz = given.time_zone.parse().map_err(|_| {
            Error::invalid(format!("There is no time zone {}.", clean(&given.time_zone, 80)))
                .remedy("Use a name such as Europe/Berlin or Etc/UTC.")
        })?;
        let weekly = given.weekly.iter().map(|time| {
            if time.days.is_empty() {
                return Err(Error::invalid("A weekly time names no day."));
            }
            let days = time.days.iter().map(|day| weekday(*day)).collect();
            Ok(Weekly { days, from: clock_time(&time.from)?, until: clock_time(&time.until)? })
        });
        let once = given.once.iter().map(|time| {
            let from = instant(zone, local_time(&time.from)?, Edge::Beginning);
            let until = instant(zone, local_time(&time.until)?, Edge::End);
            if from >= until {
                return Err(Error::invalid(format!("The time from {} ends before it begins.", clean(&time.from, 40))));
            }
            Ok((from, until))
        });
        let window = Self {
            name: given.name.clone(),
            when: Matcher::compile(&given.when)?,
            then: given.then,
            zone,
            weekly: weekly.collect::<Result<_>>()?,
            once: once.collect::<Result<_>>()?,
        };
        if window.weekly.is_empty() && window.once.is_empty() {
            return Err(Error::invalid("A maintenance window has neither a weekly time nor a single one."));
        }
        Ok(window)
    }

    /// When the window that is open at this instant ends; none when it is not open.
    pub(super) fn open_until(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let once = self.once.iter().filter(|(from, until)| (*from..*until).contains(&at)).map(|(_, until)| *until);
        let today = at.with_timezone(&self.zone).date_naive();
        // A window that began yesterday may go on past midnight; one more day covers clocks that are moved.
        let days = (0..=2).filter_map(|back| today.checked_sub_days(Days::new(back)));
        let weekly = days.flat_map(|day| self.weekly.iter().filter_map(move |weekly| weekly.on(self.zone, day)));
        let weekly = weekly.filter(|(from, until)| (*from..*until).contains(&at)).map(|(_, until)| until);
        once.chain(weekly).max()
    }
}

impl Weekly {
    /// Beginning and end of the window that begins on this day, if one does.
    fn on(&self, zone: Tz, day: NaiveDate) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        if !self.days.contains(&chrono::Datelike::weekday(&day)) {
            return None;
        }
        let last = if self.until > self.from { day } else { day.checked_add_days(Days::new(1))? };
        let from = instant(zone, day.and_time(self.from), Edge::Beginning);
        Some((from, instant(zone, last.and_time(self.until), Edge::End)))
    }
}

/// The instant at which the clocks of the zone show this time.
fn instant(zone: Tz, local: NaiveDateTime, edge: Edge) -> DateTime<Utc> {
    match (zone.from_local_datetime(&local), edge) {
        (LocalResult::Single(at), _)
        | (LocalResult::Ambiguous(at, _), Edge::Beginning)
        | (LocalResult::Ambiguous(_, at), Edge::End) => at.to_utc(),
        (LocalResult::None, _) => after_gap(zone, local),
    }
}

/// The first instant at which the clocks show a later time than the one they skip.
fn after_gap(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    let shows = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local();
    let offset = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc();
    let as_utc = local.and_utc();
    // Clocks differ from UTC by less than a day, and no gap is longer than one.
    let (before, after) = (as_utc - TimeDelta::days(2), as_utc + TimeDelta::days(2));
    let mut late = as_utc - TimeDelta::seconds(i64::from(offset(before)));
    let mut early = as_utc - TimeDelta::seconds(i64::from(offset(after)));
    while late - early > TimeDelta::seconds(1) {
        let middle = early + (late - early) / 2;
        if shows(middle) >= local {
            late = middle;
        } else {
            early = middle;
        }
    }
    late
}

fn clock_time(text: &str) -> Result<NaiveTime> {
    NaiveTime::parse_from_str(text, "%H:%M")
        .map_err(|_| Error::invalid(format!("{:?} is not a time such as 22:00.", clean(text, 40))))
}

fn local_time(text: &str) -> Result<NaiveDateTime> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M")
        .map_err(|_| Error::invalid(format!("{:?} is not a time such as 2026-12-24T22:00.", clean(text, 40))))
}

const fn weekday(day: Day) -> Weekday {
    match day {
        Day::Mon => Weekday::Mon,
        Day::Tue => Weekday::Tue,
        Day::Wed => Weekday::Wed,
        Day::Thu => Weekday::Thu,
        Day::Fri => Weekday::Fri,
        Day::Sat => Weekday::Sat,
        Day::Sun => Weekday::Sun,
    }
}
