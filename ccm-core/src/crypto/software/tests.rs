//! Published cases, and the crate `aes-gcm` as a second opinion.

use aes_gcm::aead::array::Array;
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut, KeyInit};
use proptest::prelude::*;

use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn what_is_sealed_opens_and_what_was_changed_does_not() {
    let key = Key::Aes128([7; 16]);
    let mut text = *b"1-0:1.8.0(000001.000*kWh)";
    let tag = Software.seal(&key, &[1; NONCE], &[b"0"], &mut text).unwrap();
    let mut copy = text;
    assert_eq!(Software.open(&key, &[1; NONCE], &[b"0"], &mut copy, &tag), Ok(()));
    assert_eq!(&copy, b"1-0:1.8.0(000001.000*kWh)");
    text[3] ^= 1;
    let changed = text;
    assert_eq!(Software.open(&key, &[1; NONCE], &[b"0"], &mut text, &tag), Err(Failure::Mismatch));
    assert_eq!(text, changed, "what is refused is not decrypted either");
}

/// SP 800-38D, test case 3 of the GCM specification, its tag cut to 96 bits.
#[test]
fn the_published_case_gives_the_published_bytes() {
    let key = Key::Aes128(0xFEFF_E992_8665_731C_6D6A_8F94_6730_8308_u128.to_be_bytes());
    let nonce = [0xCA, 0xFE, 0xBA, 0xBE, 0xFA, 0xCE, 0xDB, 0xAD, 0xDE, 0xCA, 0xF8, 0x88];
    let mut text = 0xD931_3225_F884_06E5_A559_09C5_AFF5_269A_u128.to_be_bytes();
    Software.seal(&key, &nonce, &[], &mut text).unwrap();
    assert_eq!(text, 0x4283_1EC2_2177_7424_4B72_21B7_84D0_D49C_u128.to_be_bytes());
    assert_eq!(format!("{key:?}"), "Key(..)");
}

proptest! {
    #[test]
    fn parts_give_what_aes_gcm_gives_of_the_whole(
        secret: [u8; 32],
        long: bool,
        nonce: [u8; NONCE],
        aad in prop::collection::vec(any::<u8>(), 0..80),
        cuts: [prop::sample::Index; 2],
        text in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let mut cuts = cuts.map(|cut| cut.index(aad.len() + 1));
        cuts.sort_unstable();
        let parts = [&aad[..cuts[0]], &aad[cuts[0]..cuts[1]], &aad[cuts[1]..]];
        let short: [u8; 16] = *secret.first_chunk().unwrap();
        let key = if long { Key::Aes256(secret) } else { Key::Aes128(short) };
        let (mut ours, mut theirs, mut untagged) = (text.clone(), text.clone(), text.clone());
        let tag = Software.seal(&key, &nonce, &parts, &mut ours).unwrap();
        let buffer = InOutBuf::from(theirs.as_mut_slice());
        let expected = if long {
            let gcm = aes_gcm::AesGcm::<aes::Aes256, U12, U12>::new(&Array(secret));
            gcm.encrypt_inout_detached(&Array(nonce), &aad, buffer)
        } else {
            let gcm = aes_gcm::AesGcm::<aes::Aes128, U12, U12>::new(&Array(short));
            gcm.encrypt_inout_detached(&Array(nonce), &aad, buffer)
        };
        prop_assert_eq!(tag, expected.unwrap().0);
        prop_assert_eq!(&ours, &theirs);
        Software.ctr(&key, &nonce, &mut untagged).unwrap();
        prop_assert_eq!(&untagged, &ours);
        prop_assert_eq!(Software.open(&key, &nonce, &parts, &mut ours, &tag), Ok(()));
        prop_assert_eq!(ours, text);
    }
}

/// RFC 3394, 4.1 and 4.6.
#[test]
fn published_keys_are_wrapped_and_unwrapped() {
    let cases = [
        (
            Key::Aes128(hex("000102030405060708090A0B0C0D0E0F").try_into().unwrap()),
            Key::Aes128(hex("00112233445566778899AABBCCDDEEFF").try_into().unwrap()),
            "1FA68B0A8112B447 AEF34BD8FB5A7B82 9D3E862371D2CFE5",
        ),
        (
            Key::Aes256(
                hex("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F").try_into().unwrap(),
            ),
            Key::Aes256(
                hex("00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F").try_into().unwrap(),
            ),
            "28C9F404C4B810F4 CBCCB35CFB87F826 3F5786E2D80ED326 CBC7F0E71A99F43B FB988B9B7A02DD21",
        ),
    ];
    for (wrapping_key, key, expected) in cases {
        let mut wrapped = [0; 40];
        let length = Software.wrap(&wrapping_key, &key, &mut wrapped).unwrap();
        assert_eq!(wrapped[..length], hex(expected));
        match (Software.unwrap_key(&wrapping_key, &wrapped[..length]).unwrap(), &key) {
            (Key::Aes128(found), Key::Aes128(expected)) => assert_eq!(found, *expected),
            (Key::Aes256(found), Key::Aes256(expected)) => assert_eq!(found, *expected),
            _ => panic!("a key of another kind"),
        }
        wrapped[length - 1] ^= 1;
        let changed = Software.unwrap_key(&wrapping_key, &wrapped[..length]).map(|_| ());
        assert_eq!(changed, Err(Failure::Mismatch));
        assert_eq!(Software.wrap(&wrapping_key, &key, &mut wrapped[..length - 1]), Err(Failure::Full));
    }
}

#[test]
fn a_key_of_the_wrong_kind_is_refused() {
    let key = Key::P256([1; 32]);
    assert_eq!(Software.seal(&key, &[0; NONCE], &[], &mut []), Err(Failure::Key));
    assert_eq!(Software.encrypt_block(&key, &mut [0; BLOCK]), Err(Failure::Key));
    assert_eq!(Software.unwrap_key(&Key::Aes128([0; 16]), &[0; 23]).map(|_| ()), Err(Failure::Key));
}

/// FIPS 197, appendix B.
#[test]
fn one_block_is_encrypted() {
    let key = Key::Aes128(hex("2b7e151628aed2a6abf7158809cf4f3c").try_into().unwrap());
    let mut block = hex("3243f6a8885a308d313198a2e0370734").try_into().unwrap();
    Software.encrypt_block(&key, &mut block).unwrap();
    assert_eq!(block.to_vec(), hex("3925841d02dc09fbdc118597196a0b32"));
}

#[cfg(all(feature = "hls-legacy", feature = "suite2"))]
#[test]
fn every_hash_gives_its_published_digest_of_abc() {
    let cases = [
        (Hash::Md5, "900150983cd24fb0d6963f7d28e17f72"),
        (Hash::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (Hash::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            Hash::Sha384,
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        ),
    ];
    for (hash, expected) in cases {
        assert_eq!(Software.hash(hash, &[b"a", b"", b"bc"]).unwrap().bytes(), hex(expected));
    }
}

/// RFC 6979, A.2.5 and A.2.6, message "sample"; the shared secret of RFC 5903, 8.1.
#[cfg(all(feature = "suite1", feature = "suite2"))]
mod curves {
    use super::*;

    #[test]
    fn the_published_message_gets_the_published_signature() {
        let cases = [
            (
                Key::P256(
                    hex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721")
                        .try_into()
                        .unwrap(),
                ),
                "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6\
                 7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299",
                "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716\
                 F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
            ),
            (
                Key::P384(
                    hex("6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D8\
                         96D5724E4C70A825F872C9EA60D2EDF5")
                    .try_into()
                    .unwrap(),
                ),
                "EC3A4E415B4E19A4568618029F427FA5DA9A8BC4AE92E02E06AAE5286B300C64DEF8F0EA9055866064A254515480BC13\
                 8015D9B72D7D57244EA8EF9AC0C621896708A59367F9DFB9F54CA84B3F1C9DB1288B231C3AE0D4FE7344FD2533264720",
                "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46\
                 99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8",
            ),
        ];
        for (key, public, expected) in cases {
            let (public, expected) = (hex(public), hex(expected));
            let mut signature = [0; 96];
            let length = Software.sign(&key, &[b"sam", b"ple"], &mut signature).unwrap();
            assert_eq!(signature[..length], expected);
            assert_eq!(Software.verify(&public, &[b"sample"], &expected), Ok(()));
            assert_eq!(Software.verify(&public, &[b"simple"], &expected), Err(Failure::Mismatch));
            assert_eq!(Software.verify(&public[1..], &[b"sample"], &expected), Err(Failure::Key));
            let no_point: Vec<u8> = public.iter().map(|byte| byte ^ 1).collect();
            assert_eq!(Software.verify(&no_point, &[b"sample"], &expected), Err(Failure::Key));
            assert_eq!(Software.sign(&key, &[], &mut [0; 63]), Err(Failure::Full));
        }
    }

    #[test]
    fn both_sides_agree_on_the_key_that_the_shared_secret_gives() {
        let own = Key::P256(
            hex("C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433").try_into().unwrap(),
        );
        let peer = hex("D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63\
                        56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB");
        let secret = hex("D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE");
        let expected = Software.hash(Hash::Sha256, &[&[0, 0, 0, 1], &secret, b"information"]).unwrap();
        match Software.agree(&own, &peer, &[b"inform", b"ation"]).unwrap() {
            Key::Aes128(key) => assert_eq!(key, expected.bytes()[..16]),
            _ => panic!("a key of another kind"),
        }
        assert_eq!(Software.agree(&own, &[0; 64], &[]).map(|_| ()), Err(Failure::Key));
    }
}
