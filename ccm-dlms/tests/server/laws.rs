//! What holds whatever a client sends.

use ccm_core::Instant;
use ccm_dlms::message::{AttributeAccess, ContextName, MechanismName};
use ccm_dlms::security::Outgoing;
use ccm_dlms::{Association, Authentication};
use proptest::prelude::*;

use super::bench::{Setup, over_hdlc, over_wrapper, protected};
use super::plain::{ALL, IMPORT, attribute, get, get_request};
use super::secure::Secure;

/// APDUs that begin like requests and go on like anything.
fn requests() -> impl Strategy<Value = Vec<u8>> {
    let head = prop_oneof![
        Just(vec![0xC0, 1, 0xC1, 0, 7, 1, 0, 99, 1, 0, 255, 2, 1]),
        Just(vec![0xC0, 3, 0xC1, 2]),
        Just(vec![0xC1, 2, 0xC1, 0, 1, 0, 0, 96, 50, 0, 255, 2, 0, 0]),
        Just(vec![0xC1, 3, 0xC1, 0, 0, 0, 0, 1]),
        Just(vec![0xC3, 1, 0xC1, 0, 18, 0, 0, 44, 0, 0, 255, 2, 1, 2, 2]),
        Just(vec![0xC3, 4, 0xC1, 0, 18]),
        Just(vec![0xE0, 0x81, 0, 1, 0, 0, 4]),
        Just(vec![0xE0, 0x01, 0, 2, 0, 1]),
        Just(vec![0x60, 0x1D, 0xA1, 9, 6, 7, 0x60, 0x85, 0x74, 5, 8, 1]),
        Just(vec![0x05, 1, 2]),
        Just(vec![0x06, 1, 7, 1, 0, 1]),
        Just(vec![0xDB, 8]),
        Just(vec![0xC8, 0x1E, 0x30]),
        Just(vec![0x62]),
        Just(vec![]),
    ];
    (head, proptest::collection::vec(any::<u8>(), 0..60)).prop_map(|(head, tail)| [head, tail].concat())
}

proptest! {
    #[test]
    fn no_request_makes_a_meter_stumble(requests in proptest::collection::vec(requests(), 1..12), short: bool) {
        over_wrapper(16, Setup::default(), |bench| {
            bench.connect();
            let context = if short { ContextName::ShortName } else { ContextName::LogicalName };
            bench.associate(context, ALL, 128);
            for request in requests.iter().filter(|request| !request.is_empty()) {
                let frame = [&[0, 1, 0, 16, 0, 1, 0, u8::try_from(request.len()).unwrap()][..], request].concat();
                for answer in bench.far.hear(Instant::ZERO, &frame) {
                    assert!(answer.len() <= 128 + 8, "{request:02X?} gives {answer:02X?}");
                }
            }
            bench.associate(ContextName::LogicalName, ALL, 1024);
            assert!(get(bench, AttributeAccess::whole(attribute(3, IMPORT, 2))).is_ok());
        });
    }

    #[test]
    fn nobody_without_the_key_gets_a_value_or_moves_a_counter(requests in proptest::collection::vec(requests(), 1..8)) {
        let associations = vec![Association::public(), protected(1, Authentication::None)];
        over_wrapper(1, Setup { associations, ..Setup::default() }, |bench| {
            let mut secure = Secure::new(Outgoing::GLOBAL);
            secure.associate(bench, MechanismName::Lowest, &[]);
            let ends = |request: &[u8]| matches!(request.first(), None | Some(0x60 | 0x62));
            for request in requests.iter().filter(|request| !ends(request)) {
                let frame = [&[0, 1, 0, 1, 0, 1, 0, u8::try_from(request.len()).unwrap()][..], request].concat();
                for answer in bench.far.hear(Instant::ZERO, &frame) {
                    assert!(answer[8] == 0xD8 || answer[8] == 0xE0, "{request:02X?} gives {answer:02X?}");
                }
            }
            secure.exchange(bench, &get_request(AttributeAccess::whole(attribute(3, IMPORT, 2))));
        });
    }

    #[test]
    fn any_bytes_on_the_line_leave_a_meter_that_can_be_linked(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        over_hdlc(16, Setup::default(), |bench| {
            bench.far.hear(Instant::ZERO, &bytes);
            bench.connect();
            bench.associate(ContextName::LogicalName, ALL, 1024);
            assert!(get(bench, AttributeAccess::whole(attribute(3, IMPORT, 2))).is_ok());
        });
    }
}
