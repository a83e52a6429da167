use proptest::prelude::*;

use crate::{Balance, Limits, Member, Quality, Reading, Role, SignCheck, Subject, Warning, missing_members};

const LIMITS: Limits = Limits::polled_every(1000);

fn member(role: Role, power_w: i32) -> Member {
    Member::new(role, Some(Reading::new(power_w, 0)))
}

fn aged(role: Role, power_w: i32, age_ms: u32) -> Member {
    Member::new(role, Some(Reading::new(power_w, age_ms)))
}

fn production(power_w: i32) -> Member {
    member(Role::Production, power_w)
}

fn grid(power_w: i32) -> Member {
    member(Role::Grid, power_w)
}

fn battery(power_w: i32) -> Member {
    member(Role::Battery, power_w)
}

#[test]
fn h107_figure_32_of_the_manual_shows_392_w_of_consumption() {
    let balance = Balance::of([production(1234), grid(-842)], LIMITS);
    assert_eq!(balance.consumption_w, Some(392));
    assert_eq!((balance.import_w, balance.export_w), (Some(0), Some(842)));
    assert_eq!(balance.direct_use_w, Some(392));
    assert_eq!(balance.self_sufficiency_permille, Some(1000));
    assert_eq!((balance.quality, balance.missing), (Quality::Good, 0));
}

#[test]
fn h108_two_feeders_are_added_before_import_and_export_are_split() {
    let balance = Balance::of([production(0), grid(1000), grid(-600)], LIMITS);
    assert_eq!((balance.grid_w, balance.import_w, balance.export_w), (Some(400), Some(400), Some(0)));
    assert_eq!(balance.consumption_w, Some(400));
}

#[test]
fn h106_several_inverters_and_several_grid_meters_make_one_balance() {
    let balance = Balance::of([production(1500), grid(-700), production(2500), grid(-1300)], LIMITS);
    assert_eq!((balance.production_w, balance.grid_w), (Some(4000), Some(-2000)));
    assert_eq!((balance.consumption_w, balance.self_consumption_permille), (Some(2000), Some(500)));
}

#[test]
fn what_one_feeder_exports_serves_the_other_first() {
    let balance = Balance::of([production(5000), grid(-3000), grid(2000)], LIMITS);
    assert_eq!(balance.consumption_w, Some(4000));
    assert_eq!(balance.self_consumption_permille, Some(800));
    assert_eq!(balance.self_sufficiency_permille, Some(1000));
}

#[test]
fn production_charges_the_battery_before_it_serves_the_house() {
    let balance = Balance::of([production(4000), battery(-1500), grid(-500)], LIMITS);
    assert_eq!(balance.consumption_w, Some(2000));
    assert_eq!(balance.direct_use_w, Some(2000)); // half of the production
    assert_eq!(balance.self_consumption_permille, Some(875));
    assert_eq!(balance.self_sufficiency_permille, Some(1000));
}

#[test]
fn a_battery_charged_from_the_grid_leaves_self_sufficiency_at_zero_not_below() {
    let balance = Balance::of([production(0), battery(-2500), grid(3000)], LIMITS);
    assert_eq!(balance.consumption_w, Some(500));
    assert_eq!(balance.direct_use_w, Some(0));
    assert_eq!(balance.self_sufficiency_permille, Some(0));
    assert_eq!(balance.self_consumption_permille, None);
}

#[test]
fn a_discharging_battery_counts_as_self_sufficient() {
    let balance = Balance::of([production(0), battery(300), grid(100)], LIMITS);
    assert_eq!((balance.consumption_w, balance.self_sufficiency_permille), (Some(400), Some(750)));
}

#[test]
fn ratios_of_nothing_are_undefined() {
    let balance = Balance::of([production(0), grid(0)], LIMITS);
    assert_eq!((balance.production_w, balance.consumption_w), (Some(0), Some(0)));
    assert_eq!((balance.self_consumption_permille, balance.self_sufficiency_permille), (None, None));
}

#[test]
fn a_ratio_of_1000_means_all_of_it() {
    let balance = Balance::of([production(999_999), grid(-1)], LIMITS);
    assert_eq!(balance.self_consumption_permille, Some(999));
}

#[test]
fn negative_consumption_is_kept_named_and_hidden_only_from_the_display() {
    let balance = Balance::of([production(1000), grid(-1030)], LIMITS);
    assert_eq!((balance.consumption_w, balance.unexplained_w), (Some(-30), Some(30)));
    assert_eq!(balance.consumption_shown_w(), Some(0));
    assert_eq!(balance.self_sufficiency_permille, None);
    assert_eq!(Balance::of([production(1000), grid(-900)], LIMITS).unexplained_w, Some(0));
}

#[test]
fn what_an_inverter_draws_at_night_is_consumption() {
    let balance = Balance::of([production(-8), grid(300)], LIMITS);
    assert_eq!((balance.production_w, balance.consumption_w), (Some(-8), Some(292)));
    assert_eq!((balance.direct_use_w, balance.self_consumption_permille), (Some(0), None));
    assert_eq!(balance.self_sufficiency_permille, Some(0));
}

#[test]
fn a_silent_inverter_makes_the_consumption_unknown_not_smaller() {
    let silent = Member::new(Role::Production, None);
    let members = [production(2000), silent, grid(-500)];
    let balance = Balance::of(members, LIMITS);
    assert_eq!((balance.production_w, balance.consumption_w, balance.unexplained_w), (None, None, None));
    assert_eq!((balance.grid_w, balance.export_w), (Some(-500), Some(500)));
    assert_eq!((balance.quality, balance.missing), (Quality::Unknown, 1));
    assert!(missing_members(members, LIMITS).eq([1]));
}

#[test]
fn a_reading_that_is_too_old_is_not_used_and_says_why() {
    let balance = Balance::of([aged(Role::Production, 2000, 3001), grid(-500)], LIMITS);
    assert_eq!((balance.production_w, balance.consumption_w), (None, None));
    assert_eq!((balance.quality, balance.missing), (Quality::Stale, 1));
    assert_eq!(
        Balance::of([aged(Role::Production, 2000, 3000), grid(-500)], LIMITS).consumption_w,
        Some(1500)
    );
}

#[test]
fn a_silent_battery_is_not_an_absent_one() {
    let silent = Member::new(Role::Battery, None);
    assert_eq!(Balance::of([production(1), grid(1), silent], LIMITS).battery_w, None);
    assert_eq!(Balance::of([production(1), grid(1)], LIMITS).battery_w, Some(0));
}

#[test]
fn h106_a_plant_without_production_or_without_grid_meter_is_unknown() {
    for members in [&[][..], &[production(5)], &[grid(5)], &[battery(5), grid(5)]] {
        let balance = Balance::of(members.iter().copied(), LIMITS);
        assert_eq!((balance.consumption_w, balance.quality), (None, Quality::Unknown));
    }
}

#[test]
fn readings_that_lie_far_apart_in_time_make_an_estimate() {
    let together = [aged(Role::Production, 1, 1500), aged(Role::Grid, 1, 2500)];
    let apart = [aged(Role::Production, 1, 1499), aged(Role::Grid, 1, 2500)];
    assert_eq!(Balance::of(together, LIMITS).quality, Quality::Good);
    assert_eq!(Balance::of(apart, LIMITS).quality, Quality::Estimated);
    assert_eq!(Balance::of(apart, LIMITS).consumption_w, Some(2));
}

#[test]
fn the_worst_member_decides() {
    let estimated = Reading { estimated: true, ..Reading::new(7, 0) };
    let night = Member::new(Role::Production, Some(estimated));
    assert_eq!(Balance::of([night, grid(7)], LIMITS).quality, Quality::Estimated);
    assert_eq!(Balance::of([night, aged(Role::Grid, 7, 9000)], LIMITS).quality, Quality::Stale);
    assert_eq!(Balance::of([night, Member::new(Role::Grid, None)], LIMITS).quality, Quality::Unknown);
}

#[test]
fn h111_the_invert_switch_turns_the_sign_once() {
    let balance = Balance::of([production(1234), grid(842).with_invert(true)], LIMITS);
    assert_eq!((balance.grid_w, balance.consumption_w), (Some(-842), Some(392)));
    assert_eq!(grid(i32::MIN).with_invert(true).power_w(LIMITS), Some(2_147_483_648));
}

#[test]
fn h111_a_production_that_stays_negative_is_warned_about() {
    let mut check = SignCheck::new(Subject::Production);
    let warnings = (0..12).filter_map(|_| check.observe(Some(-900))).count();
    assert_eq!(warnings, 3);
    assert_eq!(check.observe(None), None);
    assert_eq!(check.observe(Some(-900)), Some(Warning::ProductionNegative { power_w: -900 }));
    assert_eq!(check.observe(Some(-20)), None);
    assert_eq!(check.observe(Some(-900)), None);
}

#[test]
fn h111_a_consumption_that_stays_negative_points_at_the_grid_meter() {
    let mut check = SignCheck::new(Subject::Consumption);
    let warning = (0..10).find_map(|_| check.observe(Some(-900)));
    assert_eq!(warning, Some(Warning::ConsumptionNegative { power_w: -900 }));
}

fn any_member() -> impl Strategy<Value = Member> {
    let role = prop_oneof![Just(Role::Production), Just(Role::Grid), Just(Role::Battery)];
    (role, any::<i32>(), 0..3000u32, any::<bool>(), any::<bool>()).prop_map(
        |(role, power_w, age_ms, estimated, invert)| {
            let reading = Reading { power_w, age_ms, estimated };
            Member { role, reading: Some(reading), invert }
        },
    )
}

fn any_plant() -> impl Strategy<Value = std::vec::Vec<Member>> {
    proptest::collection::vec(any_member(), 0..20).prop_map(|mut members| {
        members.extend([production(1), grid(-1)]);
        members
    })
}

proptest! {
    #[test]
    fn production_grid_and_battery_are_the_consumption_exactly(members in any_plant()) {
        let balance = Balance::of(members.iter().copied(), LIMITS);
        let sum: i64 = members.iter().filter_map(|member| member.power_w(LIMITS)).sum();
        prop_assert_eq!(balance.consumption_w, Some(sum));
        prop_assert_eq!(
            balance.production_w.unwrap() + balance.grid_w.unwrap() + balance.battery_w.unwrap(), sum
        );
        prop_assert_eq!(balance.import_w.unwrap() - balance.export_w.unwrap(), balance.grid_w.unwrap());
        prop_assert_eq!(
            balance.consumption_shown_w().unwrap() - balance.unexplained_w.unwrap(), sum
        );
    }

    #[test]
    fn every_split_stays_inside_what_it_splits(members in any_plant()) {
        let balance = Balance::of(members, LIMITS);
        let direct_use_w = balance.direct_use_w.unwrap();
        prop_assert!(direct_use_w >= 0);
        prop_assert!(direct_use_w <= balance.production_w.unwrap().max(0));
        prop_assert!(direct_use_w <= balance.consumption_shown_w().unwrap());
        prop_assert!(balance.self_consumption_permille.is_none_or(|permille| permille <= 1000));
        prop_assert!(balance.self_sufficiency_permille.is_none_or(|permille| permille <= 1000));
        prop_assert_eq!(balance.self_consumption_permille.is_some(), balance.production_w.unwrap() > 0);
        prop_assert_eq!(balance.self_sufficiency_permille.is_some(), sum_is_positive(&balance));
    }

    #[test]
    fn any_missing_member_makes_the_consumption_unknown(mut members in any_plant(), place in any::<prop::sample::Index>()) {
        let place = place.index(members.len());
        members[place].reading = None;
        let balance = Balance::of(members.iter().copied(), LIMITS);
        prop_assert_eq!((balance.consumption_w, balance.quality), (None, Quality::Unknown));
        prop_assert_eq!((balance.direct_use_w, balance.self_sufficiency_permille), (None, None));
        prop_assert!(missing_members(members, LIMITS).eq([place]));
    }

    #[test]
    fn the_order_of_the_members_does_not_matter(
        (members, shuffled) in any_plant().prop_flat_map(|members| (Just(members.clone()), Just(members).prop_shuffle()))
    ) {
        prop_assert_eq!(Balance::of(members, LIMITS), Balance::of(shuffled, LIMITS));
    }
}

fn sum_is_positive(balance: &Balance) -> bool {
    balance.consumption_w.is_some_and(|consumption_w| consumption_w > 0)
}
