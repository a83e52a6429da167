//! Long values both ways, and lists.

use ccm_dlms::message::cosem::{Blocks, ImageTransfer};
use ccm_dlms::message::data::{Data, Value};
use ccm_dlms::message::{
    ActionRequest, ActionResponse, ActionResult, AttributeAccess, BlockReceiver, BlockSender, Conformance,
    ContextName, DataAccessResult, DataBlock, Encoded, GeneralBlockTransfer, GetDataResult, GetRequest,
    GetResponse, Invoked, List, MethodDescriptor, Progress, SetRequest, SetResponse,
};
use ccm_dlms::{Framing, hdlc};

use super::bench::{Bench, Setup, emit, over_hdlc, over_wrapper};
use super::plain::{ALL, IMPORT, LOAD, SCRATCH, attribute, get, get_request, invoked};

fn set_in_blocks<F: Framing>(bench: &mut Bench<'_, F>, value: &[u8], size: usize) -> DataAccessResult {
    let attribute = AttributeAccess::whole(attribute(1, SCRATCH, 2));
    let pieces: Vec<_> = value.chunks(size).collect();
    for (index, raw_data) in pieces.iter().enumerate() {
        let block_number = u32::try_from(index + 1).unwrap();
        let block = DataBlock { last_block: index + 1 == pieces.len(), block_number, raw_data };
        let request = match index {
            0 => SetRequest::WithFirstDataBlock { attribute, block },
            _ => SetRequest::WithDataBlock(block),
        };
        let answer = bench.exchange(&emit(|out| invoked(request).emit(out)));
        match Invoked::parse(&answer).unwrap().service {
            SetResponse::DataBlock { block_number: number } => assert_eq!(number, block_number),
            SetResponse::LastDataBlock { result, block_number: number } => {
                assert_eq!(number, block_number);
                return result;
            }
            response => panic!("{response:?}"),
        }
    }
    panic!("no result")
}

#[test]
fn what_was_written_in_blocks_is_read_in_blocks() {
    let parameters = hdlc::Parameters::new(200, 2).unwrap();
    over_hdlc(16, Setup { parameters, ..Setup::default() }, |bench| {
        bench.connect();
        bench.associate(ContextName::LogicalName, ALL, 300);
        let bytes: Vec<u8> = (0..3000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let value = emit(|out| Value::OctetString(&bytes).emit(out));
        assert_eq!(set_in_blocks(bench, &value, 250), DataAccessResult::Success);
        let (read, blocks) = get(bench, AttributeAccess::whole(attribute(1, SCRATCH, 2))).unwrap();
        assert!(read == value && blocks >= 10);
        assert_eq!(set_in_blocks(bench, &value[..2000], 250), DataAccessResult::TypeUnmatched);
    });
}

#[test]
fn a_block_out_of_order_ends_the_transfer() {
    over_wrapper(16, Setup::default(), |bench| {
        bench.connect();
        bench.associate(ContextName::LogicalName, ALL, 300);
        let block = |block_number| DataBlock { last_block: false, block_number, raw_data: &[9, 4, 1] };
        let next = |number| emit(|out| invoked(SetRequest::WithDataBlock(block(number))).emit(out));
        let result = |answer: &[u8]| match Invoked::parse(answer).unwrap().service {
            SetResponse::LastDataBlock { result, .. } => result,
            response => panic!("{response:?}"),
        };
        assert_eq!(result(&bench.exchange(&next(2))), DataAccessResult::NoLongSetInProgress);
        let attribute = AttributeAccess::whole(attribute(1, SCRATCH, 2));
        let first = SetRequest::WithFirstDataBlock { attribute, block: block(1) };
        bench.exchange(&emit(|out| invoked(first).emit(out)));
        assert_eq!(result(&bench.exchange(&next(3))), DataAccessResult::DataBlockNumberInvalid);
        assert_eq!(result(&bench.exchange(&next(2))), DataAccessResult::NoLongSetInProgress);
    });
}

#[test]
fn a_wrong_number_of_a_block_read_ends_the_transfer() {
    over_wrapper(16, Setup::default(), |bench| {
        bench.connect();
        bench.associate(ContextName::LogicalName, ALL, 300);
        let next = |number: u32| emit(|out| invoked(GetRequest::Next { block_number: number }).emit(out));
        assert_eq!(bench.exchange(&next(1))[8..], [1, 16], "no long get is in progress");
        bench.exchange(&get_request(AttributeAccess::whole(attribute(7, LOAD, 2))));
        assert_eq!(bench.exchange(&next(2))[8..], [1, 19], "the number is invalid");
        assert_eq!(bench.exchange(&next(1))[8..], [1, 16]);
    });
}

#[test]
fn without_block_transfer_a_long_value_is_refused() {
    over_wrapper(16, Setup::default(), |bench| {
        bench.connect();
        bench.associate(ContextName::LogicalName, Conformance::GET, 300);
        let refused = get(bench, AttributeAccess::whole(attribute(7, LOAD, 2)));
        assert_eq!(refused, Err(DataAccessResult::DataBlockUnavailable));
    });
}

#[test]
fn lists_have_a_result_for_each() {
    over_wrapper(16, Setup::default(), |bench| {
        bench.connect();
        bench.associate(ContextName::LogicalName, ALL, 0);
        let accesses = [attribute(3, IMPORT, 2), attribute(3, [9; 6], 2), attribute(3, IMPORT, 3)]
            .map(AttributeAccess::whole);
        let request = emit(|out| invoked(GetRequest::WithList(List::new(&accesses))).emit(out));
        let answer = bench.exchange(&request);
        let GetResponse::WithList(results) = Invoked::parse(&answer).unwrap().service else { panic!() };
        let results: Vec<_> = results.iter().collect();
        assert_eq!(results[1], GetDataResult::Result(DataAccessResult::ObjectUndefined));
        assert_eq!(results[2], GetDataResult::Data(Encoded(&[2, 2, 15, 0, 22, 30])));

        let targets = [attribute(1, SCRATCH, 2), attribute(3, IMPORT, 2)].map(AttributeAccess::whole);
        let values = [Encoded(&[17, 5]), Encoded(&[17, 5])];
        let request = SetRequest::WithList { attributes: List::new(&targets), values: List::new(&values) };
        let answer = bench.exchange(&emit(|out| invoked(request).emit(out)));
        let SetResponse::WithList(results) = Invoked::parse(&answer).unwrap().service else { panic!() };
        let results: Vec<_> = results.iter().collect();
        assert_eq!(results, [DataAccessResult::Success, DataAccessResult::ReadWriteDenied]);
    });
}

#[test]
fn a_list_that_is_too_long_comes_in_blocks_too() {
    over_wrapper(16, Setup::default(), |bench| {
        bench.connect();
        bench.associate(ContextName::LogicalName, ALL, 100);
        let accesses = [AttributeAccess::whole(attribute(3, IMPORT, 2)); 20];
        let mut answer =
            bench.exchange(&emit(|out| invoked(GetRequest::WithList(List::new(&accesses))).emit(out)));
        let mut raw = Vec::new();
        while answer[3] == 0 {
            raw.extend(&answer[10..]);
            answer = bench.exchange(&[&[0xC0, 2, 0xC1][..], &answer[4..8]].concat());
        }
        raw.extend(&answer[10..]);
        assert_eq!((raw[0], raw.len()), (20, 1 + 20 * 6));
    });
}

#[test]
fn lists_written_in_blocks_are_carried_out_once() {
    over_wrapper(16, Setup::default(), |bench| {
        bench.connect();
        bench.associate(ContextName::LogicalName, ALL, 0);
        let targets = [attribute(1, SCRATCH, 2), attribute(3, IMPORT, 2)].map(AttributeAccess::whole);
        let raw = [2, 17, 5, 17, 6];
        let block = DataBlock { last_block: false, block_number: 1, raw_data: &raw[..2] };
        let first = SetRequest::WithListAndFirstDataBlock { attributes: List::new(&targets), block };
        bench.exchange(&emit(|out| invoked(first).emit(out)));
        let block = DataBlock { last_block: true, block_number: 2, raw_data: &raw[2..] };
        let answer = bench.exchange(&emit(|out| invoked(SetRequest::WithDataBlock(block)).emit(out)));
        let response = Invoked::parse(&answer).unwrap().service;
        let SetResponse::LastDataBlockWithList { results, block_number: 2 } = response else {
            panic!("{response:?}")
        };
        let results: Vec<_> = results.iter().collect();
        assert_eq!(results, [DataAccessResult::Success, DataAccessResult::ReadWriteDenied]);
    });
}

fn image_method(method_id: i8) -> MethodDescriptor {
    MethodDescriptor { class_id: 18, instance_id: [0, 0, 44, 0, 0, 255], method_id }
}

fn invoke<F: Framing>(bench: &mut Bench<'_, F>, method_id: i8, parameters: &[u8]) -> ActionResult {
    let parameters = Some(Encoded(parameters));
    let action = ActionRequest::Normal { method: image_method(method_id), parameters };
    let answer = bench.exchange(&emit(|out| invoked(action).emit(out)));
    let ActionResponse::Normal(returned) = Invoked::parse(&answer).unwrap().service else { panic!() };
    returned.result
}

#[test]
fn an_image_is_taken_block_by_block_and_put_into_use() {
    over_wrapper(16, Setup::default(), |bench| {
        bench.connect();
        bench.associate(ContextName::LogicalName, ALL, 0);
        let image = [0x5A; 300];
        let initiate = emit(|out| ImageTransfer::emit_initiate(out, b"test", 300));
        assert_eq!(invoke(bench, 1, &initiate), ActionResult::Success);
        let blocks = Blocks::new(300, 128).unwrap();
        for number in [0, 2] {
            let block =
                emit(|out| ImageTransfer::emit_block(out, number, blocks.of(&image, number).unwrap()));
            assert_eq!(invoke(bench, 2, &block), ActionResult::Success);
        }
        assert_eq!(invoke(bench, 3, &[15, 0]), ActionResult::TemporaryFailure);
        let status = get(bench, AttributeAccess::whole(attribute(18, [0, 0, 44, 0, 0, 255], 3))).unwrap().0;
        let Value::BitString(bits) = Data::parse(&status).unwrap().value().unwrap() else { panic!() };
        assert_eq!(blocks.missing(bits).collect::<Vec<_>>(), [1]);
        // The missing one comes in blocks of the protocol.
        let parameters = emit(|out| ImageTransfer::emit_block(out, 1, blocks.of(&image, 1).unwrap()));
        let (front, back) = parameters.split_at(50);
        let block = DataBlock { last_block: false, block_number: 1, raw_data: front };
        let first = ActionRequest::WithFirstBlock { method: image_method(2), block };
        let answer = bench.exchange(&emit(|out| invoked(first).emit(out)));
        let response = Invoked::<ActionResponse<'_>>::parse(&answer).unwrap();
        assert_eq!(response.service, ActionResponse::NextBlock { block_number: 1 });
        let block = DataBlock { last_block: true, block_number: 2, raw_data: back };
        let answer = bench.exchange(&emit(|out| invoked(ActionRequest::WithBlock(block)).emit(out)));
        let ActionResponse::Normal(returned) = Invoked::parse(&answer).unwrap().service else { panic!() };
        assert_eq!(returned.result, ActionResult::Success);
        assert_eq!(invoke(bench, 3, &[15, 0]), ActionResult::Success);
        assert_eq!(invoke(bench, 4, &[15, 0]), ActionResult::Success);
    });
}

#[test]
fn general_blocks_carry_a_request_there_and_an_answer_back() {
    over_wrapper(16, Setup { rows: 20, ..Setup::default() }, |bench| {
        bench.connect();
        bench.associate(ContextName::LogicalName, ALL, 200);
        let request = get_request(AttributeAccess::whole(attribute(7, LOAD, 2)));
        let mut sender = BlockSender::new(&request, 5, 1).unwrap();
        let mut buffer = [0; 4000];
        let mut receiver = BlockReceiver::new(&mut buffer);
        let mut answer = Vec::new();
        while let Some(block) = sender.next_block() {
            let block = GeneralBlockTransfer { window: 1, ..block };
            answer = bench.exchange(&emit(|out| block.emit(out)));
            let back = GeneralBlockTransfer::parse(&answer).unwrap();
            assert_eq!(back.block_number_ack, block.block_number);
            sender.acknowledge(&back).unwrap();
        }
        let mut count = 0;
        loop {
            assert!(answer.len() <= 200);
            count += 1;
            let block = GeneralBlockTransfer::parse(&answer).unwrap();
            if receiver.receive(&block) == Ok(Progress::Complete) {
                break;
            }
            let acknowledgement = GeneralBlockTransfer {
                last_block: true,
                streaming: false,
                window: 1,
                block_number: 1,
                block_number_ack: receiver.acknowledged(),
                block_data: &[],
            };
            answer = bench.exchange(&emit(|out| acknowledgement.emit(out)));
        }
        assert!(count > 2);
        let GetResponse::Normal(GetDataResult::Data(Encoded(data))) =
            Invoked::parse(receiver.bytes()).unwrap().service
        else {
            panic!()
        };
        assert_eq!(Data::parse(data).unwrap().events().array("buffer"), Ok(20));
    });
}
