//! Whatever a server answers: no panic, no end without an end, and no value but of a good answer.

use ccm_dlms::LinkError;
use ccm_dlms::message::data::Data;
use ccm_dlms::message::{Encoded, MethodDescriptor, VariableAccess};
use ccm_dlms::script::{Move, Script, Session, Settings};
use proptest::prelude::*;

use super::bench::*;

/// Bytes that are often the beginning of an answer.
fn answer() -> impl Strategy<Value = Vec<u8>> {
    let head = prop::sample::select(vec![
        &[][..],
        &[0xC4, 1, 0xC1, 0],
        &[0xC4, 2, 0xC1, 0, 0, 0, 0, 1, 0, 3],
        &[0xC4, 2, 0xC1, 1, 0, 0, 0, 2, 0, 3],
        &[0xC4, 3, 0xC1],
        &[0xC5, 2, 0xC1, 0, 0, 0, 1],
        &[0xC7, 1, 0xC1, 0, 1, 0],
        &[0xC7, 2, 0xC1, 0, 0, 0, 0, 1, 3],
        &[0xE0, 0, 0, 1, 0, 0, 3],
        &[0xE0, 0x80, 0, 2, 0, 1, 3],
        &[0x0C, 1, 0],
        &[0x0C, 1, 2, 0, 0, 1],
        &[0x0D, 1],
        &[0xD8, 1, 6],
        &[0x0F, 0, 0, 0, 0, 0],
    ]);
    (head, prop::collection::vec(any::<u8>(), 0..6)).prop_map(|(head, tail)| [head, &tail].concat())
}

fn follow(script: &mut impl Script, answers: &[Vec<u8>]) -> bool {
    let mut apdu = [0; 64];
    let mut outcome = Err(LinkError::Unfinished);
    for answer in answers.iter().map(Some).chain([None]) {
        match script.advance(outcome, &mut apdu) {
            Ok(Some(Move::Exchange(length))) => assert!((1..=64).contains(&length)),
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(_) => {
                assert_eq!(script.advance(Ok(0), &mut apdu), Ok(None), "nothing goes on after an error");
                return false;
            }
        }
        let Some(answer) = answer else { return false };
        apdu[..answer.len()].copy_from_slice(answer);
        outcome = Ok(answer.len());
    }
    false
}

proptest! {
    #[test]
    fn any_answers_give_a_whole_value_or_none(answers in prop::collection::vec(answer(), 1..6), which in 0..8_u8) {
        let settings = if which < 2 { Settings::SHORT_NAMES } else { Settings::PUBLIC };
        let mut session = Session::plain(Settings { fixed_invoke_id: Some(1), ..settings });
        let mut first = vec![vec![]];
        first.push(aare(64, which < 2));
        prop_assert!(follow(&mut session.open(&[]), &first));
        let mut buffer = [0; 128];
        let long = [&[9, 90][..], &[0; 90]].concat();
        let energy = attribute(3, ENERGY, 2);
        let method = MethodDescriptor { class_id: 70, instance_id: ENERGY, method_id: 1 };
        let (names, pair) = ([VariableAccess::VariableName(8)], [energy; 2]);
        let values = [Encoded(&long[..]), Encoded(&[0][..])];
        let mut transfer = match which {
            0 => session.read(&names, &mut buffer),
            1 => session.write(&names, &values[..1], &mut buffer),
            2 => session.set(energy, &long, &mut buffer),
            3 => session.set_list(&pair, &values, &mut buffer),
            4 => session.action(method, Some(&long), &mut buffer),
            5 => session.get_list(&pair, &mut buffer),
            _ => session.get(energy, &mut buffer),
        };
        let is_whole = follow(&mut transfer, &answers);
        if !is_whole {
            prop_assert!(transfer.value().is_empty());
        } else if matches!(which, 0 | 6 | 7) {
            prop_assert!(Data::parse(transfer.value()).is_ok());
        }
    }
}
