//! Without security.

use ccm_dlms::message::cosem::{AssociationLn, ScalerUnit};
use ccm_dlms::message::data::{Data, Value};
use ccm_dlms::message::{
    Assembly, AttributeAccess, AttributeDescriptor, Conformance, ContextName, DataAccessResult, Encoded,
    EntryDescriptor, ExceptionResponse, GetBlockResult, GetDataResult, GetRequest, GetResponse,
    InvokeIdAndPriority, Invoked,
};
use ccm_dlms::{Framing, hdlc};

use super::bench::{Bench, Setup, emit, over_hdlc, over_wrapper};

pub(crate) const ALL: Conformance = Conformance::all();
pub(crate) const IMPORT: [u8; 6] = [1, 0, 1, 8, 0, 255];
pub(crate) const LOAD: [u8; 6] = [1, 0, 99, 1, 0, 255];
pub(crate) const SCRATCH: [u8; 6] = [0, 0, 96, 50, 0, 255];
const ID: InvokeIdAndPriority = InvokeIdAndPriority::confirmed(1);

pub(crate) fn attribute(class_id: u16, instance_id: [u8; 6], attribute_id: i8) -> AttributeDescriptor {
    AttributeDescriptor { class_id, instance_id, attribute_id }
}

pub(crate) fn invoked<T>(service: T) -> Invoked<T> {
    Invoked { invoke_id_and_priority: ID, service }
}

pub(crate) fn get_request(access: AttributeAccess<'_>) -> Vec<u8> {
    emit(|out| invoked(GetRequest::Normal(access)).emit(out))
}

/// Reads an attribute with as many blocks as it takes: its bytes, and how many blocks they took.
pub(crate) fn get<F: Framing>(
    bench: &mut Bench<'_, F>,
    access: AttributeAccess<'_>,
) -> Result<(Vec<u8>, u32), DataAccessResult> {
    let mut buffer = vec![0; 200_000];
    let mut assembly = Assembly::new(&mut buffer);
    let mut answer = bench.exchange(&get_request(access));
    loop {
        let response = Invoked::<GetResponse<'_>>::parse(&answer).unwrap();
        assert_eq!(response.invoke_id_and_priority, ID);
        match response.service {
            GetResponse::Normal(GetDataResult::Data(Encoded(data))) => return Ok((data.to_vec(), 0)),
            GetResponse::Normal(GetDataResult::Result(result)) => return Err(result),
            GetResponse::WithDataBlock { last_block, block_number, result: GetBlockResult::RawData(raw) } => {
                assembly.append(block_number, raw).unwrap();
                if last_block {
                    return Ok((assembly.bytes().to_vec(), block_number));
                }
                answer = bench.exchange(&emit(|out| invoked(GetRequest::Next { block_number }).emit(out)));
            }
            GetResponse::WithDataBlock { result: GetBlockResult::Result(result), .. } => return Err(result),
            GetResponse::WithList(_) => panic!("a list"),
        }
    }
}

fn read_a_register<F: Framing>(bench: &mut Bench<'_, F>) {
    bench.connect();
    bench.associate(ContextName::LogicalName, ALL, 1024);
    let value = get(bench, AttributeAccess::whole(attribute(3, IMPORT, 2))).unwrap().0;
    assert_eq!(Data::parse(&value).unwrap().value(), Ok(Value::DoubleLongUnsigned(12_345_678)));
    let scaler_unit = get(bench, AttributeAccess::whole(attribute(3, IMPORT, 3))).unwrap().0;
    assert_eq!(ScalerUnit::parse(Data::parse(&scaler_unit).unwrap()).unwrap().unit.name(), Some("Wh"));
    assert_eq!(bench.exchange(&[0x62, 0]), [0x63, 3, 0x80, 1, 0]);
}

#[test]
fn a_register_is_read_over_either_link() {
    over_hdlc(16, Setup::default(), read_a_register);
    over_wrapper(16, Setup::default(), read_a_register);
}

#[test]
fn a_profile_of_1500_rows_needs_no_buffer_that_holds_it() {
    let parameters = hdlc::Parameters::new(512, 3).unwrap();
    let setup = Setup { rows: 1500, size: 600, parameters, ..Setup::default() };
    over_hdlc(16, setup, |bench| {
        bench.connect();
        bench.associate(ContextName::LogicalName, ALL, 1024);
        let (value, blocks) = get(bench, AttributeAccess::whole(attribute(7, LOAD, 2))).unwrap();
        let mut events = Data::parse(&value).unwrap().events();
        assert_eq!(events.array("buffer"), Ok(1500));
        assert!(blocks > 40 && value.len() > 30_000);
        Data::parse(&value).unwrap().check().unwrap();
    });
}

#[test]
fn rows_are_selected_by_entry() {
    over_wrapper(16, Setup::default(), |bench| {
        bench.connect();
        bench.associate(ContextName::LogicalName, ALL, 0);
        let mut bytes = [0; 18];
        let access = Some(EntryDescriptor::rows(3, 4).emit(&mut bytes).unwrap());
        let access = AttributeAccess { attribute: attribute(7, LOAD, 2), access };
        let (value, _) = get(bench, access).unwrap();
        let data = Data::parse(&value).unwrap();
        let mut events = data.events();
        assert_eq!(events.array("buffer"), Ok(2));
        assert_eq!(events.structure("row"), Ok(4));
        let time = events.date_time("time").unwrap();
        assert_eq!(time.to_string(), "2026-01-01T00:30:00+01:00");
    });
}

#[test]
fn the_list_of_objects_names_what_there_is() {
    over_wrapper(16, Setup::default(), |bench| {
        bench.connect();
        bench.associate(ContextName::LogicalName, ALL, 200);
        let (value, blocks) =
            get(bench, AttributeAccess::whole(attribute(15, [0, 0, 40, 0, 0, 255], 2))).unwrap();
        assert!(blocks > 3);
        let list = AssociationLn::object_list(Data::parse(&value).unwrap()).unwrap();
        let names: Vec<_> =
            list.map(|element| element.unwrap()).map(|e| (e.class_id, e.logical_name)).collect();
        assert_eq!(names.len(), 15);
        for (class_id, name) in names {
            let access = AttributeAccess::whole(attribute(class_id, name.bytes().unwrap(), 1));
            assert_eq!(get(bench, access).unwrap().0[2..], name.bytes().unwrap());
        }
    });
}

#[test]
fn nothing_is_answered_before_an_association() {
    over_hdlc(16, Setup::default(), |bench| {
        bench.connect();
        let answer = bench.exchange(&get_request(AttributeAccess::whole(attribute(3, IMPORT, 2))));
        let exception = ExceptionResponse::parse(&answer).unwrap();
        assert_eq!(exception.to_string(), "service-not-allowed (1), operation-not-possible (1)");
    });
}

#[test]
fn what_there_is_not_is_refused_by_name() {
    over_wrapper(16, Setup::default(), |bench| {
        bench.connect();
        bench.associate(ContextName::LogicalName, ALL, 0);
        let mut refusal =
            |class, name, id| get(bench, AttributeAccess::whole(attribute(class, name, id))).unwrap_err();
        assert_eq!(refusal(3, [1, 0, 99, 8, 0, 255], 2), DataAccessResult::ObjectUndefined);
        assert_eq!(refusal(4, IMPORT, 2), DataAccessResult::ObjectClassInconsistent);
        assert_eq!(refusal(3, IMPORT, 9), DataAccessResult::ObjectUndefined);
    });
}
