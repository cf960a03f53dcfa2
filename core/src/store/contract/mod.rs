//! The suite that every backend passes, by supplying one function that makes an empty store.
//!
//! ```ignore
//! #[tokio::test(flavor = "multi_thread")]
//! async fn my_store_keeps_the_contract() {
//!     contract::run(async || Arc::new(MyStore::empty().await) as Arc<dyn Store>).await;
//! }
//! ```

// The suite fails by panicking, as tests do; and it is made of samples, which would be a long list of names.
#![allow(clippy::missing_panics_doc, clippy::wildcard_imports)]

mod flows;
mod leases;
mod lists;
mod outbox;
mod policies;
mod probes;
mod races;
mod refusals;
mod retention;
mod rows;
pub(crate) mod samples;

use std::sync::Arc;

use super::{Change, Committed, Refusal, Store};

/// Runs every check, each on a store of its own. Panics with the name of what does not hold.
///
/// Needs a tokio runtime, best with several threads: the races are tasks.
pub async fn run<F, Fut>(fresh: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Arc<dyn Store>>,
{
    rows::an_empty_store_holds_nothing(fresh().await).await;
    rows::what_is_written_is_read_back(fresh().await).await;
    rows::a_write_replaces_exactly_the_version_it_names(fresh().await).await;
    rows::a_version_never_comes_back(fresh().await).await;
    rows::one_commit_gives_one_version_to_all_its_rows(fresh().await).await;
    rows::a_commit_makes_all_changes_or_none(fresh().await).await;
    rows::changes_are_made_in_their_order(fresh().await).await;
    rows::removing_needs_the_present_version(fresh().await).await;
    rows::large_values_are_kept(fresh().await).await;
    rows::hostile_text_is_kept_as_it_is(fresh().await).await;

    refusals::a_second_registration_is_held_by_the_first(fresh().await).await;
    refusals::an_unauthorized_registration_still_holds_its_account(fresh().await).await;
    refusals::an_old_connector_serves_one_account(fresh().await).await;
    refusals::a_registration_in_place_survives_an_old_connector(fresh().await).await;
    refusals::a_connection_needs_its_account_and_instance(fresh().await).await;
    refusals::an_account_in_use_stays(fresh().await).await;
    refusals::an_alert_has_one_delivery_for_good(fresh().await).await;
    refusals::the_version_is_looked_at_first(fresh().await).await;
    refusals::forgetting_a_revocation_twice_is_allowed(fresh().await).await;

    flows::a_flow_is_read_back_and_forgotten(fresh().await).await;
    flows::what_a_flow_is_for_never_changes(fresh().await).await;
    flows::one_of_many_uses_a_flow(fresh().await).await;
    flows::a_redirect_url_belongs_to_one_registration(fresh().await).await;
    flows::a_redirect_url_belongs_to_one_pending_flow_as_long_as_it_lives(fresh().await).await;

    lists::pages_follow_each_other_without_gap_or_repetition(fresh().await).await;
    lists::connections_are_filtered(fresh().await).await;
    lists::deliveries_are_filtered_and_keep_their_order(fresh().await).await;
    lists::revocations_are_listed_oldest_first(fresh().await).await;
    lists::events_are_numbered_without_gaps(fresh().await).await;
    lists::events_are_told_apart_by_account(fresh().await).await;

    policies::a_policy_and_a_resume_point_are_read_back(fresh().await).await;
    policies::each_replaces_the_version_it_names(fresh().await).await;
    policies::both_need_their_account_and_go_with_it(fresh().await).await;
    policies::a_refused_commit_leaves_both_as_they_were(fresh().await).await;

    probes::a_probe_is_read_back_and_replaces_the_version_it_names(fresh().await).await;
    probes::a_probe_needs_its_connection_and_goes_with_it(fresh().await).await;
    probes::a_probe_is_forgotten_and_a_refused_commit_forgets_nothing(fresh().await).await;

    leases::a_lease_has_one_holder(fresh().await).await;
    leases::a_lease_that_ended_passes_on_with_a_higher_fence(fresh().await).await;
    leases::only_the_holder_gives_a_lease_back(fresh().await).await;

    outbox::a_delivery_has_one_holder_and_a_late_one_is_fenced_off(fresh().await).await;
    outbox::an_alert_is_accepted_once(fresh().await).await;
    outbox::what_becomes_more_severe_moves_forward_and_stays_one(fresh().await).await;
    outbox::the_highest_severity_comes_first_then_the_oldest(fresh().await).await;
    outbox::what_is_not_due_waits(fresh().await).await;
    outbox::of_many_accounts_the_most_severe_comes_first(fresh().await).await;
    outbox::later_states_queue_behind_their_delivery(fresh().await).await;
    outbox::accounts_with_something_to_do_are_found(fresh().await).await;
    outbox::deliveries_are_counted_as_they_move(fresh().await).await;

    retention::a_removed_delivery_leaves_its_trace_and_nothing_else(fresh().await).await;
    retention::what_is_not_done_with_is_not_removed(fresh().await).await;
    retention::a_refused_commit_removes_nothing(fresh().await).await;
    retention::a_group_goes_with_its_parent(fresh().await).await;
    retention::the_log_loses_its_beginning_and_goes_on_counting(fresh().await).await;

    races::one_of_many_claims_a_delivery(fresh().await).await;
    races::no_increment_is_lost(fresh().await).await;
    races::one_of_many_registrations_wins(fresh().await).await;
    races::one_of_many_accounts_takes_an_old_instance(fresh().await).await;
    races::one_of_many_submissions_of_an_alert_wins(fresh().await).await;
    races::one_of_many_arrivals_of_an_alert_is_new(fresh().await).await;
    races::what_is_refused_half_way_is_not_counted_and_gives_no_version(fresh().await).await;
    races::events_of_a_commit_stay_together(fresh().await).await;
    races::one_of_many_takes_a_lease(fresh().await).await;
}

/// Commits what must be accepted.
async fn done(store: &Arc<dyn Store>, changes: Vec<Change>) -> Committed {
    match store.commit(changes).await {
        Ok(committed) => committed,
        Err(refusal) => panic!("the commit must be accepted, but: {refusal:?}"),
    }
}

/// Commits what must be refused.
async fn refused(store: &Arc<dyn Store>, changes: Vec<Change>) -> Refusal {
    match store.commit(changes).await {
        Ok(committed) => panic!("the commit must be refused, but was accepted as {committed:?}"),
        Err(Refusal::Failed(error)) => panic!("the commit must be refused with a reason, but failed: {error}"),
        Err(refusal) => refusal,
    }
}

/// Takes the answer of a call that must not fail.
#[track_caller]
fn ok<T>(answer: crate::error::Result<T>) -> T {
    match answer {
        Ok(value) => value,
        Err(error) => panic!("the store must answer, but: {error}"),
    }
}

/// Takes what must be there.
#[track_caller]
fn found<T>(answer: crate::error::Result<Option<T>>) -> T {
    match ok(answer) {
        Some(value) => value,
        None => panic!("the row must exist"),
    }
}

/// `assert!(matches!(..))` that shows what was there instead.
macro_rules! assert_refusal {
    ($refusal:expr, $pattern:pat $(if $guard:expr)?) => {{
        let refusal = $refusal;
        assert!(
            matches!(&refusal, $pattern $(if $guard)?),
            "expected {}, but the refusal was {refusal:?}",
            stringify!($pattern $(if $guard)?)
        );
    }};
}
use assert_refusal;
