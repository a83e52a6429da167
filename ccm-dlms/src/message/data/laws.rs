//! What holds for all data.

use std::{vec, vec::Vec};

use ccm_core::{Reader, Writer};
use proptest::prelude::*;

use super::*;

/// A tree, as no reader builds it: only to be written and compared.
#[derive(Clone, Debug)]
enum Tree {
    Number(u32),
    Octets(Vec<u8>),
    Null,
    Structure(Vec<Tree>),
    Array(Vec<Tree>),
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        any::<u32>().prop_map(Tree::Number),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Tree::Octets),
        Just(Tree::Null),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        let parts = prop::collection::vec(inner, 0..6);
        prop_oneof![parts.clone().prop_map(Tree::Structure), parts.prop_map(Tree::Array)]
    })
}

fn flatten<'a>(tree: &'a Tree, events: &mut Vec<Event<'a>>) {
    let (begin, parts) = match tree {
        Tree::Number(number) => return events.push(Event::Value(Value::DoubleLongUnsigned(*number))),
        Tree::Octets(bytes) => return events.push(Event::Value(Value::OctetString(bytes))),
        Tree::Null => return events.push(Event::Value(Value::Null)),
        Tree::Structure(parts) => (Event::Structure(u32::try_from(parts.len()).unwrap()), parts),
        Tree::Array(parts) => (Event::Array(u32::try_from(parts.len()).unwrap()), parts),
    };
    events.push(begin);
    parts.iter().for_each(|part| flatten(part, events));
    events.push(Event::End);
}

fn all(bytes: &[u8]) -> (usize, Option<DataError>) {
    let mut count = 0;
    for event in Events::new(bytes) {
        match event {
            Ok(_) => count += 1,
            Err(error) => return (count, Some(error)),
        }
    }
    (count, None)
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(tree in tree()) {
        let mut events = vec![];
        flatten(&tree, &mut events);
        let mut buffer = vec![0; 40_000];
        let mut writer = Writer::new(&mut buffer);
        for event in &events {
            event.emit(&mut writer).unwrap();
        }
        let read: Result<Vec<_>, _> = Events::new(writer.written()).collect();
        prop_assert_eq!(read.as_ref(), Ok(&events));
        let data = Data::parse(writer.written()).unwrap();
        prop_assert_eq!(data.check(), Ok(()));
    }

    #[test]
    fn no_bytes_make_more_work_than_they_are_worth(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let (events, error) = all(&bytes);
        prop_assert!(events <= 40 * (bytes.len() + 1));
        prop_assert!(error.is_none_or(|error| error.offset <= bytes.len()));
    }

    #[test]
    fn nor_do_bytes_that_look_like_data(
        bytes in prop::collection::vec(prop_oneof![0_u8..=28, Just(1), Just(2), Just(19), any::<u8>()], 0..200),
    ) {
        let (events, error) = all(&bytes);
        prop_assert!(events <= 40 * (bytes.len() + 1));
        prop_assert!(error.is_none_or(|error| error.offset <= bytes.len()));
        let mut reader = Reader::new(&bytes);
        if let Ok(data) = Data::take(&mut reader) {
            let mut events = data.events();
            let end = events.by_ref().find(Result::is_err);
            // Only what lies in a compact array can still be wrong, or too deep, once the end has been found.
            prop_assert!(end.is_some() || events.rest().is_empty());
        }
    }

    #[test]
    fn the_elements_are_passed_over_where_they_are_read(
        bytes in prop::collection::vec(prop_oneof![0_u8..=28, Just(1), Just(2), Just(19)], 0..100),
    ) {
        let mut read = Events::new(&bytes);
        let mut passed = read.clone();
        let read_all = read.by_ref().all(|event| event.is_ok());
        let passed_all = passed.data("data").is_ok();
        if read_all {
            prop_assert!(passed_all);
            prop_assert_eq!(read.rest(), passed.rest());
        }
    }

    #[test]
    fn a_second_and_its_date_are_one(seconds in 100_000_u32.., deviation in -840_i16..=840, more in -90_000_i32..40_000_000) {
        let date_time = DateTime::from_unix(seconds, deviation, ClockStatus::GOOD);
        prop_assume!(date_time.is_some());
        let date_time = date_time.unwrap();
        prop_assert_eq!(date_time.unix_seconds(), Ok(i64::from(seconds)));
        let later = date_time.plus(more).unwrap();
        prop_assert_eq!(later.unix_seconds(), Ok(i64::from(seconds) + i64::from(more)));
        prop_assert_eq!(DateTime::from_bytes(date_time.to_bytes()), date_time);
    }

    #[test]
    fn any_twelve_bytes_make_a_date_and_time(bytes: [u8; 12], more: i32) {
        let date_time = DateTime::from_bytes(bytes);
        let _ = (date_time.unix_seconds(), date_time.local_seconds(), date_time.plus(more), date_time.to_string());
        prop_assert_eq!(date_time.to_bytes(), bytes);
    }
}
