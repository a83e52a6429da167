//! Laws of messages, on any that can be said and on any bytes.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

use ccm_core::Writer;
use ccm_dlms::message::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// What lives as long as the test.
fn kept<T>(values: Vec<T>) -> &'static [T] {
    values.leak()
}

fn octets(most: usize) -> impl Strategy<Value = &'static [u8]> {
    vec(any::<u8>(), 0..=most).prop_map(kept)
}

fn hidden(most: usize) -> impl Strategy<Value = Hidden<'static>> {
    octets(most).prop_map(Hidden)
}

/// One `Data`, nested up to three deep.
fn data() -> impl Strategy<Value = Encoded<'static>> {
    let leaf = prop_oneof![
        Just(vec![0]),
        any::<[u8; 2]>().prop_map(|[a, b]| vec![18, a, b]),
        vec(any::<u8>(), 0..200).prop_map(|bytes| match bytes.len() {
            length @ 0..128 => [&[9, length as u8], &bytes[..]].concat(),
            length => [&[9, 0x81, length as u8], &bytes[..]].concat(),
        }),
        Just(vec![19, 2, 2, 18, 6, 6, 0, 1, 0, 0, 0, 100]),
        any::<u16>().prop_map(|bits| [vec![4, 9], bits.to_be_bytes().to_vec()].concat()),
    ];
    let nested = leaf.prop_recursive(3, 20, 5, |inner| {
        vec(inner, 0..5).prop_map(|items| [vec![2, items.len() as u8], items.concat()].concat())
    });
    nested.prop_map(|bytes| Encoded(kept(bytes)))
}

fn list<T: std::fmt::Debug + 'static>(
    item: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = &'static [T]> {
    vec(item, 0..4).prop_map(kept)
}

fn attribute() -> impl Strategy<Value = AttributeDescriptor> {
    (any::<u16>(), any::<[u8; 6]>(), any::<i8>()).prop_map(|(class_id, instance_id, attribute_id)| {
        AttributeDescriptor { class_id, instance_id, attribute_id }
    })
}

fn method() -> impl Strategy<Value = MethodDescriptor> {
    (any::<u16>(), any::<[u8; 6]>(), any::<i8>())
        .prop_map(|(class_id, instance_id, method_id)| MethodDescriptor { class_id, instance_id, method_id })
}

fn access() -> impl Strategy<Value = AttributeAccess<'static>> {
    let part =
        (any::<u8>(), data()).prop_map(|(selector, parameters)| SelectiveAccess { selector, parameters });
    (attribute(), option::of(part)).prop_map(|(attribute, access)| AttributeAccess { attribute, access })
}

fn block() -> impl Strategy<Value = DataBlock<'static>> {
    (any::<bool>(), any::<u32>(), octets(300)).prop_map(|(last_block, block_number, raw_data)| DataBlock {
        last_block,
        block_number,
        raw_data,
    })
}

fn access_result() -> impl Strategy<Value = DataAccessResult> {
    any::<u8>().prop_map(DataAccessResult::from_code)
}

fn get_result() -> impl Strategy<Value = GetDataResult<'static>> {
    prop_oneof![data().prop_map(GetDataResult::Data), access_result().prop_map(GetDataResult::Result)]
}

fn action_return() -> impl Strategy<Value = ActionReturn<'static>> {
    (any::<u8>(), option::of(get_result())).prop_map(|(code, return_parameters)| ActionReturn {
        result: ActionResult::from_code(code),
        return_parameters,
    })
}

fn invoked<T: std::fmt::Debug>(
    service: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Invoked<T>> {
    (any::<u8>(), service)
        .prop_map(|(id, service)| Invoked { invoke_id_and_priority: InvokeIdAndPriority(id), service })
}

/// Two lists of the same length.
fn pairs<A: Copy + std::fmt::Debug + 'static, B: Copy + std::fmt::Debug + 'static>(
    one: impl Strategy<Value = A> + 'static,
    other: impl Strategy<Value = B> + 'static,
) -> impl Strategy<Value = (&'static [A], &'static [B])> {
    vec((one, other), 0..4).prop_map(|items| {
        let (ones, others) = items.into_iter().unzip();
        (kept::<A>(ones), kept::<B>(others))
    })
}

fn get() -> impl Strategy<Value = Apdu<'static>> {
    let request = prop_oneof![
        access().prop_map(GetRequest::Normal),
        any::<u32>().prop_map(|block_number| GetRequest::Next { block_number }),
        list(access()).prop_map(|items| GetRequest::WithList(List::new(items))),
    ];
    let piece = prop_oneof![
        octets(300).prop_map(GetBlockResult::RawData),
        access_result().prop_map(GetBlockResult::Result)
    ];
    let response = prop_oneof![
        get_result().prop_map(GetResponse::Normal),
        (any::<bool>(), any::<u32>(), piece).prop_map(|(last_block, block_number, result)| {
            GetResponse::WithDataBlock { last_block, block_number, result }
        }),
        list(get_result()).prop_map(|items| GetResponse::WithList(List::new(items))),
    ];
    prop_oneof![invoked(request).prop_map(Apdu::GetRequest), invoked(response).prop_map(Apdu::GetResponse)]
}

fn set() -> impl Strategy<Value = Apdu<'static>> {
    let request = prop_oneof![
        (access(), data()).prop_map(|(attribute, value)| SetRequest::Normal { attribute, value }),
        (access(), block())
            .prop_map(|(attribute, block)| SetRequest::WithFirstDataBlock { attribute, block }),
        block().prop_map(SetRequest::WithDataBlock),
        pairs(access(), data()).prop_map(|(attributes, values)| SetRequest::WithList {
            attributes: List::new(attributes),
            values: List::new(values),
        }),
        (list(access()), block()).prop_map(|(attributes, block)| SetRequest::WithListAndFirstDataBlock {
            attributes: List::new(attributes),
            block,
        }),
    ];
    let response = prop_oneof![
        access_result().prop_map(SetResponse::Normal),
        any::<u32>().prop_map(|block_number| SetResponse::DataBlock { block_number }),
        (access_result(), any::<u32>())
            .prop_map(|(result, block_number)| SetResponse::LastDataBlock { result, block_number }),
        (list(access_result()), any::<u32>()).prop_map(|(results, block_number)| {
            SetResponse::LastDataBlockWithList { results: List::new(results), block_number }
        }),
        list(access_result()).prop_map(|results| SetResponse::WithList(List::new(results))),
    ];
    prop_oneof![invoked(request).prop_map(Apdu::SetRequest), invoked(response).prop_map(Apdu::SetResponse)]
}

fn action() -> impl Strategy<Value = Apdu<'static>> {
    let request = prop_oneof![
        (method(), option::of(data()))
            .prop_map(|(method, parameters)| ActionRequest::Normal { method, parameters }),
        any::<u32>().prop_map(|block_number| ActionRequest::NextBlock { block_number }),
        pairs(method(), data()).prop_map(|(methods, parameters)| ActionRequest::WithList {
            methods: List::new(methods),
            parameters: List::new(parameters),
        }),
        (method(), block()).prop_map(|(method, block)| ActionRequest::WithFirstBlock { method, block }),
        (list(method()), block()).prop_map(|(methods, block)| ActionRequest::WithListAndFirstBlock {
            methods: List::new(methods),
            block,
        }),
        block().prop_map(ActionRequest::WithBlock),
    ];
    let response = prop_oneof![
        action_return().prop_map(ActionResponse::Normal),
        block().prop_map(ActionResponse::WithBlock),
        list(action_return()).prop_map(|items| ActionResponse::WithList(List::new(items))),
        any::<u32>().prop_map(|block_number| ActionResponse::NextBlock { block_number }),
    ];
    prop_oneof![
        invoked(request).prop_map(Apdu::ActionRequest),
        invoked(response).prop_map(Apdu::ActionResponse)
    ]
}

fn variable() -> impl Strategy<Value = VariableAccess<'static>> {
    prop_oneof![
        any::<u16>().prop_map(VariableAccess::VariableName),
        (any::<u16>(), any::<u8>(), data()).prop_map(|(variable_name, selector, parameter)| {
            VariableAccess::Parameterized { variable_name, selector, parameter }
        }),
        any::<u16>().prop_map(VariableAccess::BlockNumber),
        (any::<bool>(), any::<u16>(), octets(200)).prop_map(|(last_block, block_number, raw_data)| {
            VariableAccess::ReadDataBlock { last_block, block_number, raw_data }
        }),
        (any::<bool>(), any::<u16>()).prop_map(|(last_block, block_number)| {
            VariableAccess::WriteDataBlock { last_block, block_number }
        }),
    ]
}

fn short_name() -> impl Strategy<Value = Apdu<'static>> {
    let read = prop_oneof![
        data().prop_map(ReadResult::Data),
        access_result().prop_map(ReadResult::Error),
        (any::<bool>(), any::<u16>(), octets(200)).prop_map(|(last_block, block_number, raw_data)| {
            ReadResult::DataBlock { last_block, block_number, raw_data }
        }),
        any::<u16>().prop_map(ReadResult::BlockNumber),
    ];
    let written = prop_oneof![
        Just(WriteResult::Success),
        access_result().prop_map(WriteResult::Error),
        any::<u16>().prop_map(WriteResult::BlockNumber),
    ];
    let values = || {
        pairs(variable(), data()).prop_map(|(variables, values)| (List::new(variables), List::new(values)))
    };
    prop_oneof![
        list(variable()).prop_map(|items| Apdu::ReadRequest(ReadRequest(List::new(items)))),
        list(read).prop_map(|items| Apdu::ReadResponse(ReadResponse(List::new(items)))),
        values().prop_map(|(variables, values)| Apdu::WriteRequest(WriteRequest { variables, values })),
        values().prop_map(|(variables, values)| Apdu::UnconfirmedWriteRequest(UnconfirmedWriteRequest {
            variables,
            values
        })),
        list(written).prop_map(|items| Apdu::WriteResponse(WriteResponse(List::new(items)))),
        (option::of(octets(20)), values()).prop_map(|(current_time, (variables, values))| {
            Apdu::InformationReport(InformationReport { current_time, variables, values })
        }),
    ]
}

fn time() -> impl Strategy<Value = Option<&'static [u8; 12]>> {
    option::of(any::<[u8; 12]>().prop_map(|time| &*Box::leak(Box::new(time))))
}

fn unasked() -> impl Strategy<Value = Apdu<'static>> {
    let transfer = (any::<[bool; 2]>(), 0_u8..64, any::<[u16; 2]>(), octets(300)).prop_map(
        |([last_block, streaming], window, [block_number, block_number_ack], block_data)| {
            GeneralBlockTransfer { last_block, streaming, window, block_number, block_number_ack, block_data }
        },
    );
    prop_oneof![
        (any::<u32>(), time(), data()).prop_map(|(id, date_time, body)| {
            let long_invoke_id_and_priority = LongInvokeIdAndPriority(id);
            Apdu::DataNotification(DataNotification { long_invoke_id_and_priority, date_time, body })
        }),
        (time(), attribute(), data()).prop_map(|(time, attribute, value)| {
            Apdu::EventNotification(EventNotification { time, attribute, value })
        }),
        transfer.prop_map(Apdu::GeneralBlockTransfer),
    ]
}

fn refusal() -> impl Strategy<Value = Apdu<'static>> {
    use ExceptionServiceError::*;
    let error = prop_oneof![
        select(vec![OperationNotPossible, ServiceNotSupported, OtherReason, PduTooLong, DecipheringError]),
        any::<u32>().prop_map(|expected| InvocationCounterError { expected }),
        (7_u8..).prop_map(Other),
    ];
    prop_oneof![
        (any::<u8>(), error).prop_map(|(state, service_error)| {
            let state_error = StateError::from_code(state);
            Apdu::ExceptionResponse(ExceptionResponse { state_error, service_error })
        }),
        (any::<u8>(), 0_u8..=10, any::<u8>()).prop_map(|(service, class, value)| {
            let (service, error) = (ConfirmedService::from_code(service), ServiceError { class, value });
            Apdu::ConfirmedServiceError(ConfirmedServiceError { service, error })
        }),
    ]
}

fn conformance() -> impl Strategy<Value = Conformance> {
    any::<[u8; 3]>().prop_map(Conformance::from_bytes)
}

fn initiate() -> impl Strategy<Value = Apdu<'static>> {
    let numbers = || (option::of(any::<i8>()), any::<u8>(), conformance(), any::<u16>());
    prop_oneof![
        (option::of(hidden(40)), any::<bool>(), numbers()).prop_map(
            |(dedicated_key, response_allowed, n)| {
                Apdu::InitiateRequest(InitiateRequest {
                    dedicated_key,
                    response_allowed,
                    proposed_quality_of_service: n.0,
                    proposed_dlms_version_number: n.1,
                    proposed_conformance: n.2,
                    client_max_receive_pdu_size: n.3,
                })
            }
        ),
        (numbers(), any::<u16>()).prop_map(|(n, vaa_name)| {
            Apdu::InitiateResponse(InitiateResponse {
                negotiated_quality_of_service: n.0,
                negotiated_dlms_version_number: n.1,
                negotiated_conformance: n.2,
                server_max_receive_pdu_size: n.3,
                vaa_name,
            })
        }),
    ]
}

fn oid() -> impl Strategy<Value = &'static [u8]> {
    prop_oneof![
        (0_u8..9, 0_u8..9).prop_map(|(arc, value)| kept(vec![0x60, 0x85, 0x74, 5, 8, arc, value])),
        octets(10)
    ]
}

fn association() -> impl Strategy<Value = Apdu<'static>> {
    let title = || option::of(octets(150));
    let number = || option::of(any::<u8>());
    let proof = || {
        (
            any::<bool>(),
            option::of(oid()),
            option::of(hidden(70)),
            option::of(octets(9)),
            option::of(hidden(200)),
        )
    };
    let request = (
        oid(),
        any::<bool>(),
        [title(), title(), title(), title()],
        [number(), number(), number(), number()],
        proof(),
    );
    let diagnostic = prop_oneof![
        any::<u8>().prop_map(|code| Diagnostic::User(UserDiagnostic::from_code(code))),
        any::<u8>().prop_map(|code| Diagnostic::Provider(ProviderDiagnostic::from_code(code))),
    ];
    let response =
        (oid(), any::<bool>(), any::<u8>(), diagnostic, [title(), title()], [number(), number()], proof());
    prop_oneof![
        request.prop_map(|(context, speaks_version_1, titles, numbers, proof)| Apdu::Aarq(Aarq {
            speaks_version_1,
            application_context_name: ContextName::from_oid(context),
            called_ap_title: titles[0],
            called_ae_qualifier: titles[1],
            called_ap_invocation_id: numbers[0],
            called_ae_invocation_id: numbers[1],
            calling_ap_title: titles[2],
            calling_ae_qualifier: titles[3],
            calling_ap_invocation_id: numbers[2],
            calling_ae_invocation_id: numbers[3],
            sender_acse_requirements: proof.0,
            mechanism_name: proof.1.map(MechanismName::from_oid),
            calling_authentication_value: proof.2,
            implementation_information: proof.3,
            user_information: proof.4,
        })),
        response.prop_map(|(context, speaks_version_1, result, diagnostic, titles, numbers, proof)| {
            Apdu::Aare(Aare {
                speaks_version_1,
                application_context_name: ContextName::from_oid(context),
                result: AssociationResult::from_code(result),
                diagnostic,
                responding_ap_title: titles[0],
                responding_ae_qualifier: titles[1],
                responding_ap_invocation_id: numbers[0],
                responding_ae_invocation_id: numbers[1],
                responder_acse_requirements: proof.0,
                mechanism_name: proof.1.map(MechanismName::from_oid),
                responding_authentication_value: proof.2,
                implementation_information: proof.3,
                user_information: proof.4,
            })
        }),
        (number(), option::of(hidden(200))).prop_map(|(reason, user_information)| {
            let reason = reason.map(ReleaseRequestReason::from_code);
            Apdu::ReleaseRequest(ReleaseRequest { reason, user_information })
        }),
        (number(), option::of(hidden(200))).prop_map(|(reason, user_information)| {
            let reason = reason.map(ReleaseResponseReason::from_code);
            Apdu::ReleaseResponse(ReleaseResponse { reason, user_information })
        }),
    ]
}

fn apdu() -> impl Strategy<Value = Apdu<'static>> {
    let tags =
        select(vec![0x21, 0x28, 0x48, 0x58, 0xC8, 0xCB, 0xCC, 0xCF, 0xD0, 0xD7, 0xDB, 0xDC, 0xDD, 0xDF]);
    let ciphered = (tags, vec(any::<u8>(), 1..50))
        .prop_map(|(tag, content)| Apdu::Ciphered(Ciphered { tag, content: kept(content) }));
    prop_oneof![
        get(),
        set(),
        action(),
        short_name(),
        unasked(),
        refusal(),
        initiate(),
        association(),
        ciphered
    ]
}

fn written(apdu: &Apdu<'_>) -> Vec<u8> {
    let mut buffer = vec![0; 20_000];
    let mut writer = Writer::new(&mut buffer);
    apdu.emit(&mut writer).unwrap();
    writer.written().to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_written_is_read_as_it_was(apdu in apdu()) {
        let bytes = written(&apdu);
        prop_assert_eq!(bytes[0], apdu.tag());
        prop_assert_eq!(Apdu::parse(&bytes), Ok(apdu));
    }

    #[test]
    fn a_buffer_that_is_a_byte_too_small_is_full(apdu in apdu()) {
        let length = written(&apdu).len();
        prop_assert!(apdu.emit(&mut Writer::new(&mut vec![0; length - 1])).is_err());
        prop_assert!(apdu.emit(&mut Writer::new(&mut vec![0; length])).is_ok());
    }

    #[test]
    fn what_is_cut_off_or_damaged_is_refused_within_its_bytes_or_read_again_as_it_is(
        apdu in apdu(),
        at in any::<prop::sample::Index>(),
        mask in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = written(&apdu);
        let at = at.index(bytes.len());
        bytes[at] ^= mask;
        if cut {
            bytes.truncate(at);
        }
        match Apdu::parse(&bytes) {
            Err(error) => prop_assert!(error.offset <= bytes.len()),
            // Other bytes may say the same: a length with leading zeros. What they say is written and read again.
            Ok(read) => {
                let again = written(&read);
                prop_assert_eq!(Apdu::parse(&again), Ok(read));
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(tag in any::<u8>(), bytes in vec(any::<u8>(), 0..200)) {
        let known = [&[tag], &bytes[..]].concat();
        for bytes in [&bytes[..], &known] {
            if let Err(error) = Apdu::parse(bytes) {
                prop_assert!(error.offset <= bytes.len());
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }

    #[test]
    fn ranges_are_read_as_they_were_written(
        values in [data(), data()],
        columns in list((any::<u16>(), any::<[u8; 6]>(), any::<i8>(), any::<u16>())),
    ) {
        let objects: Vec<_> = columns
            .iter()
            .map(|&(class_id, logical_name, attribute_index, data_index)| CaptureObject {
                class_id, logical_name, attribute_index, data_index,
            })
            .collect();
        let range = RangeDescriptor {
            restricting_object: CaptureObject {
                class_id: 8, logical_name: [0, 0, 1, 0, 0, 255], attribute_index: 2, data_index: 0,
            },
            from_value: values[0],
            to_value: values[1],
            selected_values: List::new(&objects),
        };
        let mut scratch = vec![0; 10_000];
        let access = range.emit(&mut scratch).unwrap();
        prop_assert_eq!(RangeDescriptor::parse(&access), Ok(range));
    }

    #[test]
    fn blocks_of_any_size_and_window_carry_the_apdu_over_a_link_that_loses_some(
        apdu in vec(any::<u8>(), 1..400),
        block_size in 1_usize..60,
        window in 1_u8..6,
        lost in vec(any::<bool>(), 0..30),
    ) {
        let mut buffer = [0; 400];
        let mut receiver = BlockReceiver::new(&mut buffer);
        let mut sender = BlockSender::new(&apdu, block_size, window).unwrap();
        let mut lost = lost.into_iter();
        while !sender.is_acknowledged() {
            let mut whole = false;
            while let Some(block) = sender.next_block() {
                if !lost.next().unwrap_or(false) {
                    // A block behind a gap is an error, and changes nothing.
                    let progress = receiver.receive(&GeneralBlockTransfer { window, ..block });
                    whole |= progress == Ok(Progress::Complete);
                }
            }
            prop_assert_eq!(whole, receiver.bytes() == &apdu[..]);
            sender.acknowledge(&GeneralBlockTransfer {
                last_block: true,
                streaming: false,
                window,
                block_number: 1,
                block_number_ack: receiver.acknowledged(),
                block_data: &[],
            }).unwrap();
        }
        prop_assert_eq!(receiver.bytes(), &apdu[..]);
    }
}
