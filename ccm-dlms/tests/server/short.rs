//! Objects by short names.

use ccm_dlms::message::cosem::{AssociationSn, ObjectElementSn};
use ccm_dlms::message::data::{Data, Value};
use ccm_dlms::message::{
    ConfirmedServiceError, ContextName, DataAccessResult, Encoded, EntryDescriptor, List, ReadRequest,
    ReadResponse, ReadResult, VariableAccess, WriteRequest, WriteResponse, WriteResult,
};
use ccm_dlms::wrapper::Wrapper;

use super::bench::{Bench, Setup, emit, over_wrapper};
use super::plain::{ALL, IMPORT, LOAD, SCRATCH, attribute, get_request};

fn read(bench: &mut Bench<'_, Wrapper>, variables: &[VariableAccess<'_>]) -> Vec<u8> {
    bench.exchange(&emit(|out| ReadRequest(List::new(variables)).emit(out)))
}

/// Reads one variable with as many blocks as it takes.
fn read_whole(bench: &mut Bench<'_, Wrapper>, variable: VariableAccess<'_>) -> (Vec<u8>, u16) {
    let (mut raw, mut last_number) = (Vec::new(), 0);
    let mut answer = read(bench, &[variable]);
    loop {
        let ReadResponse(results) = ReadResponse::parse(&answer).unwrap();
        let result = results.iter().next().unwrap();
        match result {
            ReadResult::Data(Encoded(data)) => return (data.to_vec(), 0),
            ReadResult::DataBlock { last_block, block_number, raw_data } => {
                raw.extend(raw_data);
                assert_eq!(block_number, last_number + 1);
                last_number = block_number;
                if last_block {
                    assert_eq!(raw[..2], [1, 0], "a list of one value");
                    return (raw[2..].to_vec(), last_number);
                }
                answer = read(bench, &[VariableAccess::BlockNumber(block_number)]);
            }
            result => panic!("{result:?}"),
        }
    }
}

fn find(bench: &mut Bench<'_, Wrapper>, name: [u8; 6]) -> ObjectElementSn {
    let list = read_whole(bench, VariableAccess::VariableName(AssociationSn::BASE_NAME + 8)).0;
    let mut objects = AssociationSn::object_list(Data::parse(&list).unwrap()).unwrap();
    objects.find_map(|object| object.ok().filter(|object| object.logical_name.bytes() == Some(name))).unwrap()
}

fn with_short_names(test: impl FnOnce(&mut Bench<'_, Wrapper>)) {
    over_wrapper(16, Setup::default(), |bench| {
        bench.connect();
        bench.associate(ContextName::ShortName, ALL, 400);
        test(bench);
    });
}

#[test]
fn the_list_gives_names_by_which_values_are_read() {
    with_short_names(|bench| {
        let register = find(bench, IMPORT);
        let names = [2, 3].map(|index| VariableAccess::VariableName(register.attribute(index).unwrap()));
        let answer = read(bench, &names);
        let ReadResponse(results) = ReadResponse::parse(&answer).unwrap();
        let value = emit(|out| Value::DoubleLongUnsigned(12_345_678).emit(out));
        let expected = [ReadResult::Data(Encoded(&value)), ReadResult::Data(Encoded(&[2, 2, 15, 0, 22, 30]))];
        assert_eq!(results.iter().collect::<Vec<_>>(), expected);
        let ReadResponse(results) = ReadResponse::parse(&read(bench, &[VariableAccess::VariableName(8)]))
            .map(|r| {
                assert_eq!(r.0.iter().next(), Some(ReadResult::Error(DataAccessResult::ObjectUndefined)));
                ReadResponse(List::new(&[]))
            })
            .unwrap();
        assert!(results.is_empty());
    });
}

#[test]
fn a_profile_is_read_by_short_name_whole_and_in_part() {
    with_short_names(|bench| {
        let variable_name = find(bench, LOAD).attribute(2).unwrap();
        let (whole, blocks) = read_whole(bench, VariableAccess::VariableName(variable_name));
        assert_eq!(Data::parse(&whole).unwrap().events().array("buffer"), Ok(384));
        assert!(blocks > 20);
        let mut bytes = [0; 18];
        let access = EntryDescriptor::rows(5, 9).emit(&mut bytes).unwrap();
        let part = VariableAccess::Parameterized { variable_name, selector: 2, parameter: access.parameters };
        assert_eq!(Data::parse(&read_whole(bench, part).0).unwrap().events().array("buffer"), Ok(5));
    });
}

#[test]
fn values_are_written_and_methods_invoked() {
    with_short_names(|bench| {
        let scratch = find(bench, SCRATCH).attribute(2).unwrap();
        let switch = find(bench, [0, 0, 96, 3, 10, 255]).base_name;
        let variables = [scratch, switch + 0x20, 8].map(VariableAccess::VariableName);
        let values = [Encoded(&[17, 5]), Encoded(&[15, 0]), Encoded(&[15, 0])];
        let request = WriteRequest { variables: List::new(&variables), values: List::new(&values) };
        let answer = bench.exchange(&emit(|out| request.emit(out)));
        let WriteResponse(results) = WriteResponse::parse(&answer).unwrap();
        let undefined = WriteResult::Error(DataAccessResult::ObjectUndefined);
        assert_eq!(
            results.iter().collect::<Vec<_>>(),
            [WriteResult::Success, WriteResult::Success, undefined]
        );
        assert_eq!(read_whole(bench, VariableAccess::VariableName(scratch)).0, [17, 5]);
        assert_eq!(read_whole(bench, VariableAccess::VariableName(switch + 8)).0, [3, 0]);
    });
}

#[test]
fn a_long_write_comes_in_blocks() {
    with_short_names(|bench| {
        let scratch = find(bench, SCRATCH).attribute(2).unwrap();
        let value = emit(|out| Value::OctetString(&[0x77; 500]).emit(out));
        let lists = emit(|out| {
            let (variables, values) = ([VariableAccess::VariableName(scratch)], [Encoded(&value)]);
            WriteRequest { variables: List::new(&variables), values: List::new(&values) }.emit(out)
        });
        let pieces: Vec<_> = lists[1..].chunks(200).collect();
        for (index, piece) in pieces.iter().enumerate() {
            let last_block = index + 1 == pieces.len();
            let block_number = u16::try_from(index + 1).unwrap();
            let variables = [VariableAccess::WriteDataBlock { last_block, block_number }];
            let raw = emit(|out| Value::OctetString(piece).emit(out));
            let values = [Encoded(&raw)];
            let request = WriteRequest { variables: List::new(&variables), values: List::new(&values) };
            let answer = bench.exchange(&emit(|out| request.emit(out)));
            let WriteResponse(results) = WriteResponse::parse(&answer).unwrap();
            let expected =
                if last_block { WriteResult::Success } else { WriteResult::BlockNumber(block_number) };
            assert_eq!(results.iter().collect::<Vec<_>>(), [expected]);
        }
        assert_eq!(read_whole(bench, VariableAccess::VariableName(scratch)).0, value);
    });
}

#[test]
fn services_of_the_other_kind_are_refused() {
    with_short_names(|bench| {
        let access = ccm_dlms::message::AttributeAccess::whole(attribute(3, IMPORT, 2));
        let answer = bench.exchange(&get_request(access));
        assert!(ConfirmedServiceError::parse(&answer).is_ok());
    });
}
