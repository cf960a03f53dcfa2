//! TLS as the adapter speaks it: rustls with the ring provider, version 1.2 or newer, the platform's roots and
//! those of the configuration. There is no switch that turns verification off (T9).

use std::sync::Arc;

use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

use crate::error::{Error, ErrorKind, Result};

/// The client side of TLS. The provider is named here and not taken from the process, so that it makes no
/// difference whether, and which, another crate installed there.
///
/// # Errors
/// `invalid_input` when a root certificate of the configuration cannot be read.
pub(super) fn client_config(roots: &[Vec<u8>]) -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match verifier(certificates(roots)?, &provider) {
        Ok(verifier) => Arc::new(verifier),
        Err(error) if !roots.is_empty() => return Err(unusable(&error)),
        // A bare container has no roots. Plain loopback must work there; every TLS call fails and says why.
        Err(_) => Arc::new(NoRoots(provider.clone())),
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(ErrorKind::Internal, "TLS cannot be set up.").because(error))?
        .dangerous() // rustls' word for any verifier of one's own: this one is the platform's.
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn verifier(roots: Vec<CertificateDer<'static>>, provider: &Arc<CryptoProvider>) -> Result<Verifier, rustls::Error> {
    if roots.is_empty() {
        Verifier::new(provider.clone())
    } else {
        Verifier::new_with_extra_roots(roots, provider.clone())
    }
}

fn certificates(roots: &[Vec<u8>]) -> Result<Vec<CertificateDer<'static>>> {
    let mut certificates = Vec::new();
    for pem in roots {
        let before = certificates.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            certificates.push(certificate.map_err(|error| unusable(&error))?);
        }
        if certificates.len() == before {
            return Err(unusable(&"no certificate in it"));
        }
    }
    Ok(certificates)
}

fn unusable(why: &dyn std::fmt::Display) -> Error {
    Error::invalid(format!("A root certificate cannot be used: {why}."))
        .remedy("Give root_certificates as PEM, beginning with -----BEGIN CERTIFICATE-----.")
}

/// Stands where the machine has no root certificates: refuses every server.
#[derive(Debug)]
struct NoRoots(Arc<CryptoProvider>);

impl NoRoots {
    const TEXT: &'static str =
        "this machine has no root certificates; install ca-certificates or set root_certificates";

    fn refuse<T>() -> Result<T, rustls::Error> {
        Err(rustls::Error::General(Self::TEXT.to_owned()))
    }
}

impl ServerCertVerifier for NoRoots {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Self::refuse()
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Self::refuse()
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Self::refuse()
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
