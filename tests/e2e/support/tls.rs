//! A certificate authority for one test run, and the client's side of trusting it.

use super::temp::TempDir;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// A CA, and a certificate by it for `localhost`, `127.0.0.1` and `*.example.test`.
pub(crate) struct TestCa {
    dir: TempDir,
    ca_pem: String,
    cert_pem: String,
    key_pem: String,
}

impl TestCa {
    /// The one of this test run.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<TestCa> = OnceLock::new();
        SHARED.get_or_init(Self::new)
    }

    /// A CA that nobody else trusts, for tests of mistrust.
    pub(crate) fn new() -> Self {
        let mut authority = CertificateParams::new(Vec::<String>::new()).unwrap();
        // OpenSSL takes a certificate that bears the name of its issuer for one that signed itself.
        (authority.distinguished_name).push(DnType::CommonName, "Stepgate test authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let names = ["localhost", "127.0.0.1", "*.example.test"];
        let key = KeyPair::generate().unwrap();
        let cert = CertificateParams::new(names.map(String::from).to_vec())
            .unwrap()
            .signed_by(&key, &ca)
            .unwrap();
        let (ca_pem, cert_pem, key_pem) = (ca.pem(), cert.pem(), key.serialize_pem());
        let dir = TempDir::new("tls");
        dir.write("ca.pem", &ca_pem);
        dir.write("cert.pem", &cert_pem);
        dir.write("key.pem", &key_pem);
        Self {
            dir,
            ca_pem,
            cert_pem,
            key_pem,
        }
    }

    /// The CA's certificate, as a file.
    pub(crate) fn ca(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// The server's certificate, as a file.
    pub(crate) fn cert(&self) -> PathBuf {
        self.dir.path().join("cert.pem")
    }

    /// The server's key, as a file.
    pub(crate) fn key(&self) -> PathBuf {
        self.dir.path().join("key.pem")
    }

    /// A client that trusts this CA alone and offers `alpn`.
    pub(crate) fn client(&self, alpn: &[&str]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        let ca = CertificateDer::from_pem_slice(self.ca_pem.as_bytes()).unwrap();
        roots.add(ca).unwrap();
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }

    /// The same, which shows the certificate that `other` has made.
    pub(crate) fn client_as(&self, other: &Self) -> Arc<ClientConfig> {
        let cert = CertificateDer::from_pem_slice(other.cert_pem.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(other.key_pem.as_bytes()).unwrap();
        let mut roots = RootCertStore::empty();
        let ca = CertificateDer::from_pem_slice(self.ca_pem.as_bytes()).unwrap();
        roots.add(ca).unwrap();
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![cert], key)
            .unwrap();
        Arc::new(config)
    }

    /// A server with this certificate that offers `alpn`.
    pub(crate) fn server(&self, alpn: &[&str]) -> Arc<ServerConfig> {
        let cert = CertificateDer::from_pem_slice(self.cert_pem.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes()).unwrap();
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert], key)
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
