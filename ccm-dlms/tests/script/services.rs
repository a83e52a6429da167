//! Services in their forms: whole, in lists, in blocks, by short name, in general blocks.

use ccm_dlms::Client;
use ccm_dlms::Error;
use ccm_dlms::message::data::{Data, Value};
use ccm_dlms::message::{
    ActionResponse, ActionResult, ActionReturn, Conformance, DataAccessResult, DataBlock, Encoded,
    GeneralBlockTransfer, GetDataResult, GetRequest, GetResponse, InvokeIdAndPriority, Invoked, List,
    MethodDescriptor, ReadResponse, ReadResult, SetResponse, VariableAccess, WriteResponse, WriteResult,
};
use ccm_dlms::script::{Answer, Script, Session, SessionError, Settings};
use ccm_dlms::wrapper::{Service, Wrapper};

use super::bench::*;
use super::common::Meter;

fn set(service: SetResponse<'_>) -> Vec<u8> {
    let invoke_id_and_priority = InvokeIdAndPriority(0xC1);
    emitted(|writer| Invoked { invoke_id_and_priority, service }.emit(writer))
}

fn acted(service: ActionResponse<'_>) -> Vec<u8> {
    let invoke_id_and_priority = InvokeIdAndPriority(0xC1);
    emitted(|writer| Invoked { invoke_id_and_priority, service }.emit(writer))
}

fn returned(data: Option<&[u8]>) -> ActionReturn<'_> {
    let return_parameters = data.map(|data| GetDataResult::Data(Encoded(data)));
    ActionReturn { result: ActionResult::Success, return_parameters }
}

const METHOD: MethodDescriptor =
    MethodDescriptor { class_id: 70, instance_id: [0, 0, 96, 3, 10, 255], method_id: 1 };

#[test]
fn a_list_whole_or_in_blocks_is_the_same() {
    let results =
        [GetDataResult::Data(Encoded(&[0x11, 5])), GetDataResult::Result(DataAccessResult::ObjectUndefined)];
    let whole = got(0xC1, GetResponse::WithList(List::new(&results)));
    let blocks = vec![got_block(0xC1, false, 1, &whole[3..6]), got_block(0xC1, true, 2, &whole[6..])];
    for answers in [vec![whole.clone()], blocks] {
        answered(answers, |session, run| {
            let both = [attribute(3, ENERGY, 2), attribute(3, ENERGY, 3)];
            let mut value = [0; 64];
            let mut get = session.get_list(&both, &mut value);
            run(&mut get).unwrap();
            assert_eq!(get.answer(), Ok(Answer::Got(List::new(&results))));
        });
    }
    answered(vec![whole], |session, run| {
        let mut value = [0; 64];
        let three = [attribute(3, ENERGY, 2); 3];
        let error = run(&mut session.get_list(&three, &mut value)).unwrap_err();
        assert_eq!(error, SessionError::Count { expected: 3, found: 2 }.into());
    });
}

#[test]
fn a_long_value_is_written_in_blocks_that_fill_what_the_server_takes() {
    let value = [&[9, 0x81, 200][..], &[7; 200]].concat();
    let answers = vec![
        set(SetResponse::DataBlock { block_number: 1 }),
        set(SetResponse::LastDataBlock { result: DataAccessResult::Success, block_number: 2 }),
    ];
    let requests = answered(answers, |session, run| {
        run(&mut session.set(attribute(3, ENERGY, 2), &value, &mut [])).unwrap();
    });
    assert_eq!(requests[0].len(), 128);
    let blocks = [&requests[0][19..], &requests[1][9..]].concat();
    assert_eq!(blocks, value);
}

#[test]
fn a_server_that_acknowledges_another_block_is_not_followed() {
    let value = [&[9, 0x81, 200][..], &[7; 200]].concat();
    answered(vec![set(SetResponse::DataBlock { block_number: 2 })], |session, run| {
        let error = run(&mut session.set(attribute(3, ENERGY, 2), &value, &mut [])).unwrap_err();
        assert_eq!(error.to_string(), "transfer broken: block 2 came in the place of block 1");
    });
    answered(vec![set(SetResponse::Normal(DataAccessResult::Success))], |session, run| {
        let error = run(&mut session.set(attribute(3, ENERGY, 2), &value, &mut [])).unwrap_err();
        assert_eq!(error, SessionError::Unexpected { tag: 0xC5 }.into());
    });
    answered(vec![set(SetResponse::Normal(DataAccessResult::TypeUnmatched))], |session, run| {
        let error = run(&mut session.set(attribute(3, ENERGY, 2), &value, &mut [])).unwrap_err();
        assert_eq!(error, SessionError::Access(DataAccessResult::TypeUnmatched).into());
    });
}

#[test]
fn a_list_is_written_whole_or_in_blocks() {
    let long = [&[9, 100][..], &[7; 100]].concat();
    let short = [0x11, 5];
    let results = [DataAccessResult::Success, DataAccessResult::ReadWriteDenied];
    let cases = [
        (&short[..], vec![set(SetResponse::WithList(List::new(&results)))]),
        (
            &long[..],
            vec![
                set(SetResponse::DataBlock { block_number: 1 }),
                set(SetResponse::LastDataBlockWithList { results: List::new(&results), block_number: 2 }),
            ],
        ),
    ];
    for (value, answers) in cases {
        let requests = answered(answers, |session, run| {
            let both = [attribute(3, ENERGY, 2), attribute(3, ENERGY, 3)];
            let values = [Encoded(value), Encoded(value)];
            let mut buffer = [0; 512];
            let mut set = session.set_list(&both, &values, &mut buffer);
            run(&mut set).unwrap();
            assert_eq!(set.answer(), Ok(Answer::Set(List::new(&results))));
        });
        if requests.len() == 2 {
            let first = requests[0].windows(2).position(|window| window == [2, 9]).unwrap();
            let joined = [&requests[0][first..], &requests[1][9..]].concat();
            assert_eq!(joined, [&[2][..], &long, &long].concat());
        }
    }
}

#[test]
fn a_method_takes_and_gives_blocks() {
    let parameters = [&[9, 0x81, 150][..], &[3; 150]].concat();
    let whole = acted(ActionResponse::Normal(returned(Some(&[9, 2, 6, 7]))));
    let block = |last_block, block_number, raw_data| {
        acted(ActionResponse::WithBlock(DataBlock { last_block, block_number, raw_data }))
    };
    let answers = vec![
        acted(ActionResponse::NextBlock { block_number: 1 }),
        block(false, 1, &whole[3..6]),
        block(true, 2, &whole[6..]),
    ];
    let requests = answered(answers, |session, run| {
        let mut value = [0; 64];
        let mut action = session.action(METHOD, Some(&parameters), &mut value);
        run(&mut action).unwrap();
        assert_eq!(action.value(), [9, 2, 6, 7]);
    });
    assert_eq!(requests[2], [0xC3, 2, 0xC1, 0, 0, 0, 1]);
    answered(vec![acted(ActionResponse::Normal(returned(None)))], |session, run| {
        let mut action = session.action(METHOD, None, &mut []);
        run(&mut action).unwrap();
        assert_eq!(action.answer(), Ok(Answer::Done));
    });
    let refused = ActionReturn { result: ActionResult::ReadWriteDenied, return_parameters: None };
    answered(vec![acted(ActionResponse::Normal(refused))], |session, run| {
        let error = run(&mut session.action(METHOD, None, &mut [])).unwrap_err();
        assert_eq!(error, SessionError::Action(ActionResult::ReadWriteDenied).into());
    });
}

fn short_names(
    answers: Vec<Vec<u8>>,
    test: impl FnOnce(
        &mut Session<'_, ccm_dlms::script::Unprotected>,
        &mut dyn FnMut(&mut dyn ErasedScript) -> Result<(), Error>,
    ),
) -> Vec<Vec<u8>> {
    answered_with(Settings::SHORT_NAMES, aare(128, true), answers, test)
}

fn read(results: &[ReadResult<'_>]) -> Vec<u8> {
    emitted(|writer| ReadResponse(List::new(results)).emit(writer))
}

fn written(results: &[WriteResult]) -> Vec<u8> {
    emitted(|writer| WriteResponse(List::new(results)).emit(writer))
}

#[test]
fn short_names_are_read_whole_and_in_blocks() {
    let value = ReadResult::Data(Encoded(&[9, 2, 6, 7]));
    let whole = read(&[value]);
    let block = |last_block, block_number, raw_data| {
        read(&[ReadResult::DataBlock { last_block, block_number, raw_data }])
    };
    let blocks = vec![block(false, 1, &whole[1..4]), block(true, 2, &whole[4..])];
    for answers in [vec![whole.clone()], blocks] {
        short_names(answers, |session, run| {
            let mut buffer = [0; 64];
            let mut read = session.read(&[VariableAccess::VariableName(0x2008)], &mut buffer);
            run(&mut read).unwrap();
            assert_eq!(read.value(), [9, 2, 6, 7]);
        });
    }
    let results = [value, ReadResult::Error(DataAccessResult::ObjectUndefined)];
    short_names(vec![read(&results)], |session, run| {
        let mut buffer = [0; 64];
        let both = [VariableAccess::VariableName(0x2008), VariableAccess::VariableName(0x2010)];
        let mut read = session.read(&both, &mut buffer);
        run(&mut read).unwrap();
        assert_eq!(read.answer(), Ok(Answer::Read(List::new(&results))));
    });
}

#[test]
fn short_names_are_written_whole_and_in_blocks() {
    let long = [&[9, 0x81, 150][..], &[3; 150]].concat();
    for (value, answers) in [
        (&[0x11, 5][..], vec![written(&[WriteResult::Success])]),
        (&long, vec![written(&[WriteResult::BlockNumber(1)]), written(&[WriteResult::Success])]),
    ] {
        let requests = short_names(answers, |session, run| {
            let (variables, values) = ([VariableAccess::VariableName(0x2008)], [Encoded(value)]);
            let mut buffer = [0; 256];
            let mut write = session.write(&variables, &values, &mut buffer);
            run(&mut write).unwrap();
            assert_eq!(write.answer(), Ok(Answer::Done));
        });
        if requests.len() == 2 {
            assert_eq!(requests[0].len(), 128);
            assert_eq!(requests[0][..6], [6, 1, 7, 0, 0, 1]);
            assert_eq!(requests[1][..6], [6, 1, 7, 1, 0, 2]);
        }
    }
}

#[test]
fn what_was_not_agreed_on_is_not_asked_for() {
    answered(vec![], |session, run| {
        let mut buffer = [0; 64];
        let error = run(&mut session.read(&[VariableAccess::VariableName(8)], &mut buffer)).unwrap_err();
        assert_eq!(error, SessionError::NotNegotiated.into());
        session.forget();
        let error = run(&mut session.get(attribute(3, ENERGY, 2), &mut buffer)).unwrap_err();
        assert_eq!(error, SessionError::NotOpen.into());
    });
}

fn general(last_block: bool, numbers: [u16; 2], block_data: &[u8]) -> Vec<u8> {
    let [block_number, block_number_ack] = numbers;
    let block = GeneralBlockTransfer {
        last_block,
        streaming: false,
        window: 1,
        block_number,
        block_number_ack,
        block_data,
    };
    emitted(|writer| block.emit(writer))
}

#[test]
fn an_answer_in_general_blocks_is_acknowledged_block_by_block() {
    let whole = got(0xC1, GetResponse::Normal(GetDataResult::Data(Encoded(&[9, 4, 1, 2, 3, 4]))));
    let answers = vec![
        general(false, [1, 0], &whole[..3]),
        general(false, [2, 1], &whole[3..6]),
        general(true, [3, 2], &whole[6..]),
    ];
    let requests = answered(answers, |session, run| {
        let mut value = [0; 64];
        let mut get = session.get(attribute(3, ENERGY, 2), &mut value);
        run(&mut get).unwrap();
        assert_eq!(get.value(), [9, 4, 1, 2, 3, 4]);
    });
    assert_eq!(requests[1], general(true, [1, 1], &[]));
    assert_eq!(requests[2], general(true, [2, 2], &[]));
    let jump = vec![general(false, [1, 0], &whole[..3]), general(true, [3, 1], &whole[3..])];
    answered(jump, |session, run| {
        let error = run(&mut session.get(attribute(3, ENERGY, 2), &mut [0; 64])).unwrap_err();
        assert_eq!(error.to_string(), "transfer broken: block 3 came in the place of block 2");
    });
}

#[test]
fn a_request_that_nothing_else_cuts_goes_in_general_blocks() {
    let results = [GetDataResult::Data(Encoded(&[0x11, 5])); 15];
    let answer = got(0xC1, GetResponse::WithList(List::new(&results)));
    let answers = vec![general(true, [1, 1], &[]), general(true, [2, 2], &answer)];
    let list = [attribute(3, ENERGY, 2); 15];
    let requests = answered(answers, |session, run| {
        let mut value = [0; 256];
        let mut get = session.get_list(&list, &mut value);
        run(&mut get).unwrap();
        assert_eq!(get.answer(), Ok(Answer::Got(List::new(&results))));
    });
    let joined: Vec<u8> = requests
        .iter()
        .flat_map(|bytes| {
            assert!(bytes.len() <= 128);
            GeneralBlockTransfer::parse(bytes).unwrap().block_data.to_vec()
        })
        .collect();
    let request = Invoked::<GetRequest<'_>>::parse(&joined).unwrap();
    assert_eq!(request.service, GetRequest::WithList(List::new(&list)));
    let without =
        Settings { conformance: Conformance::GET | Conformance::MULTIPLE_REFERENCES, ..Settings::PUBLIC };
    answered_with(without, aare(128, false), vec![], |session, run| {
        let error = run(&mut session.get_list(&list, &mut [0; 256])).unwrap_err();
        assert_eq!(error, SessionError::TooLong { room: 128 }.into());
    });
}

/// 1500 rows of a time and two counters, in blocks of 400 bytes.
#[test]
fn a_profile_of_1500_rows_needs_a_block_and_a_row() {
    let row = |number: u16| {
        let [high, low] = number.to_be_bytes();
        [
            2, 3, 9, 12, 0x07, 0xEA, 1, 1, 0xFF, high, low, 0, 0, 0x80, 0, 0, 0x12, high, low, 0x06, 0, 0,
            high, low,
        ]
    };
    let mut whole = vec![1, 0x82, 0x05, 0xDC];
    whole.extend((0..1500).flat_map(row));
    let mut position = 0;
    let handler = move |request: &[u8]| {
        if request[0] == 0x60 {
            return aare(0, false);
        }
        let raw = &whole[position..whole.len().min(position + 400)];
        position += raw.len();
        got_block(request[2], position == whole.len(), u32::try_from(position.div_ceil(400)).unwrap(), raw)
    };
    let (mut ours, mut theirs, mut buffer) = ([0; 450], [0; 2048], [0; 430]);
    let mut client = Client::new(Wrapper::tcp(1, 1), &mut ours);
    let mut meter = Meter::new(Service::new(&mut theirs), handler);
    let mut link = ccm_core::testing::Link::new(ccm_core::Line::new(9600));
    let mut session = Session::plain(Settings::PUBLIC);
    run(&mut session.open(&[]), &mut client, (&mut link, &mut meter)).unwrap();

    let mut profile = session.profile(attribute(7, [1, 0, 99, 1, 0, 255], 2), &mut buffer);
    let mut count = 0_u16;
    loop {
        let machine = profile.next(link.now(), &mut client).unwrap();
        let goes_on = machine.is_some();
        while let Some(data) = profile.row().unwrap() {
            assert_eq!(data.encoded(), Some(&row(count)[..]));
            count += 1;
        }
        if !goes_on {
            break;
        }
        link.run(&mut client, &mut meter, ccm_core::Duration::from_secs(60));
    }
    assert_eq!((count, profile.left()), (1500, Some(0)));
}

#[test]
fn a_profile_that_ends_early_says_so_after_its_good_rows() {
    let answers = vec![got_block(0xC1, true, 1, &[1, 3, 2, 1, 0x11, 5, 2, 1, 0x11])];
    answered(answers, |session, run| {
        let mut buffer = [0; 64];
        let mut profile = session.profile(attribute(7, ENERGY, 2), &mut buffer);
        run(&mut profile).unwrap();
        let first = profile.row().unwrap().and_then(|data: Data<'_>| data.encoded());
        assert_eq!(first, Some(&[2, 1, 0x11, 5][..]));
        assert_eq!(profile.row(), Err(SessionError::Truncated { received: 3 }.into()));
    });
    let _ = Value::Null;
}
