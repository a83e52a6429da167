//! A house authority for tests: certificates as good and as bad as they come.

use std::path::{Path, PathBuf};

use ccmaster_host::port::tls::Files;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};

/// A folder with the files of one test.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// An authority that vouches for whom it is told to.
pub struct Authority<'f> {
    folder: &'f Folder,
    name: &'f str,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl<'f> Authority<'f> {
    pub fn new(folder: &'f Folder, name: &'f str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        folder.file(&format!("{name}.pem"), &issuer.pem());
        Self { folder, name, issuer }
    }

    /// The files of somebody who trusts this authority and has its certificate.
    pub fn files(&self, whose: &str, params: CertificateParams) -> Files {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        self.write(whose, &certificate.pem(), &key)
    }

    /// The files of somebody who vouches for himself.
    pub fn self_signed(&self, whose: &str, params: &CertificateParams) -> Files {
        let key = KeyPair::generate().unwrap();
        self.write(whose, &params.self_signed(&key).unwrap().pem(), &key)
    }

    fn write(&self, whose: &str, certificate: &str, key: &KeyPair) -> Files {
        let file = |kind, text| self.folder.file(&format!("{}-{whose}.{kind}", self.name), text);
        let ca = self.folder.0.join(format!("{}.pem", self.name));
        Files { ca, cert: file("pem", certificate), key: file("key", &key.serialize_pem()) }
    }
}

/// A server's certificate for these names.
pub fn server(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

/// A client's certificate, with a role (MB-TCP-Security V21 8.3) or without.
pub fn client(role: Option<&str>) -> CertificateParams {
    let mut params = CertificateParams::new([]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.custom_extensions.extend(role.map(|role| {
        let mut content = vec![0x0C, u8::try_from(role.len()).unwrap()];
        content.extend(role.as_bytes());
        CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 50316, 802, 1], content)
    }));
    params
}

/// The same, but its time is over.
pub fn expired(mut params: CertificateParams) -> CertificateParams {
    params.not_before = date_time_ymd(2001, 1, 1);
    params.not_after = date_time_ymd(2002, 1, 1);
    params
}
