use proptest::prelude::*;
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::host::{KeyHost, jwks, ok};

/// The private part of the hosts' key (RFC 7517 Appendix A.2).
const D: &str = "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE";

async fn fetch(answer: impl Into<Vec<u8>>) -> Result<PublicKeys, FetchError> {
    Fetcher::new(true).keys(&KeyHost::start(answer).await.origin).await
}

/// A6: a JWK Set is fetched, also from a chunked response.
#[tokio::test]
async fn a6_a_good_answer() {
    fetch(ok(&jwks(""))).await.expect("keys");
    let (one, two) = (&jwks("")[..40], &jwks("")[40..]);
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n",
        one.len(),
        two.len()
    );
    fetch(chunked).await.expect("keys");
}

/// A6: a redirect is not followed, like any status other than 200.
#[tokio::test]
async fn a6_redirect() {
    let target = KeyHost::start(ok(&jwks(""))).await;
    for status in [301, 302, 303, 307, 308] {
        let answer = format!("HTTP/1.1 {status} x\r\nlocation: {}/\r\ncontent-length: 0\r\n\r\n", target.origin);
        assert_eq!(fetch(answer).await, Err(FetchError::Status(status)));
    }
    assert_eq!(target.connections(), 0);
}

/// A6: responses that are too large, with and without a declared length, too slow, or of the wrong type.
#[tokio::test]
async fn a6_bad_answers() {
    let large = "x".repeat(10 * 1024 * 1024);
    assert_eq!(fetch(ok(&large)).await, Err(FetchError::TooLarge));
    assert_eq!(fetch(format!("HTTP/1.1 200 OK\r\n\r\n{large}")).await, Err(FetchError::TooLarge));
    assert_eq!(fetch(format!("HTTP/1.1 200 OK\r\nx: {large}\r\n\r\n")).await, Err(FetchError::Http));
    assert_eq!(fetch("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}").await, Err(FetchError::Http));
    assert_eq!(fetch("HTTP/1.1 404 x\r\ncontent-length: 0\r\n\r\n").await, Err(FetchError::Status(404)));
    assert_eq!(fetch("HTTP/1.1 204 x\r\n\r\n").await, Err(FetchError::Status(204)));
    assert_eq!(fetch("SSH-2.0-x\r\n").await, Err(FetchError::Http));
    assert_eq!(fetch("").await, Err(FetchError::Http));
    assert_eq!(fetch(ok("<html>")).await, Err(FetchError::Json));
    assert_eq!(fetch(ok("[]")).await, Err(FetchError::Keys(KeysError::Malformed)));
    assert_eq!(fetch(ok(r#"{"keys":[]}"#)).await, Err(FetchError::Keys(KeysError::NoUsableKey)));
    let private = jwks(&format!(r#","d":"{D}""#));
    assert_eq!(fetch(ok(&private)).await, Err(FetchError::Keys(KeysError::NotPublic)));
    let deep = "[".repeat(60_000);
    assert_eq!(fetch(ok(&deep)).await, Err(FetchError::Json));
}

/// A6: no response, or an incomplete one: two seconds in total.
#[tokio::test]
async fn a6_stall() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    let started = std::time::Instant::now();
    assert_eq!(Fetcher::new(true).keys(&origin).await, Err(FetchError::Time));
    assert!(started.elapsed() < MAX_TIME * 2, "{:?}", started.elapsed());
    let (mut stream, _) = listener.accept().await.expect("it connected");
    // The connection is closed, not leaked.
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.expect("an end");

    drop(listener);
    assert_eq!(Fetcher::new(true).keys(&origin).await, Err(FetchError::Connect));
}

/// A6: no connection is made to addresses that are not public, in any notation, or to names that resolve to them, on
/// any port.
#[tokio::test]
async fn a6_addresses_that_are_not_public() {
    let server = KeyHost::start(ok(&jwks(""))).await;
    let port = server.origin.rsplit(':').next().expect("a port");
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "0177.0.0.1",
        "2130706433",
        "0x7f000001",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "0.0.0.0",
        "[::]",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "224.0.0.1",
        "255.255.255.255",
        "user:password@127.0.0.1",
        "１２７.0.0.1",
    ] {
        let outcome = Fetcher::new(false).keys(&format!("https://{host}:{port}/")).await;
        // A resolver may not know every spelling of localhost.
        assert!(matches!(outcome, Err(FetchError::Address | FetchError::Resolve)), "{host}: {outcome:?}");
    }
    for url in [&*server.origin, "http://example.com/", "ftp://example.com/", "file:///etc/passwd", "data:,x", "x", ""]
    {
        assert_eq!(Fetcher::new(false).keys(url).await, Err(FetchError::Url), "{url}");
    }
    // A local server also allows its own machine, and http to it only.
    for url in ["http://10.0.0.1/", "http://8.8.8.8/", "https://10.0.0.1/", "https://169.254.169.254/"] {
        assert_eq!(Fetcher::new(true).keys(url).await, Err(FetchError::Address), "{url}");
    }
    assert_eq!(server.connections(), 0);
}

/// A6: https requires a certificate that is valid for the name and issued by a trusted authority.
#[tokio::test]
async fn a6_tls() {
    let key = KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::new([]).expect("no names");
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, key).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let names = ["localhost".to_owned()];
    let certificate =
        CertificateParams::new(names).expect("a name").signed_by(&key, &authority).expect("a certificate");
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().expect("versions").with_no_client_auth();
    let private = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = config.with_single_cert(vec![certificate.der().clone()], private).expect("a server");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(&ok(&jwks(""))).await;
                let _ = stream.shutdown().await;
            }
        }
    });
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).expect("an authority");
    let trusting =
        Fetcher { tls: OnceCell::new_with(Some(super::config(roots).expect("a configuration"))), ..Fetcher::new(true) };
    trusting.keys(&format!("https://localhost:{port}/jwks.json?x=1")).await.expect("keys");
    assert_eq!(trusting.keys(&format!("https://127.0.0.1:{port}/")).await, Err(FetchError::Tls), "another name");
    let system = Fetcher::new(true);
    assert_eq!(system.keys(&format!("https://localhost:{port}/")).await, Err(FetchError::Tls), "another authority");
    assert_eq!(trusting.keys(&format!("http://localhost:{port}/")).await, Err(FetchError::Http), "no TLS");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any response: no panic, no keys.
    #[test]
    fn any_answer(bytes: Vec<u8>, body: Vec<u8>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let answer = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), body].concat();
        prop_assert!(runtime.block_on(fetch(bytes)).is_err());
        prop_assert!(runtime.block_on(fetch(answer)).is_err());
    }

    /// Any URL: no panic.
    #[test]
    fn any_url(url in "(https?://)?[\\[0-9a-fx.:%@\\]]{0,20}(:[0-9]{1,6})?/?\\PC{0,9}") {
        let url = Url::parse(&url);
        if let Ok(url) = url && !matches!(url.host(), Some(Host::Domain(_))) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let _ = runtime.block_on(Fetcher::new(false).addresses(&url));
        }
    }
}

/// V2: the lifetime of a document is that of its response.
#[tokio::test]
async fn v2_lifetime_of_a_response() {
    for (headers, max_age) in [
        ("", None),
        ("cache-control: public\r\n", None),
        ("cache-control: public, max-age=3600\r\n", Some(3600)),
        ("Cache-Control: Max-Age=\"60\"\r\n", Some(60)),
        ("cache-control: max-age=60\r\ncache-control: no-store\r\n", Some(0)),
        ("cache-control: no-cache\r\n", Some(0)),
        ("cache-control: max-age=-1\r\n", Some(0)),
        ("cache-control: max-age=99999999999\r\n", Some(0)),
        ("cache-control: \u{ff}\r\n", Some(0)),
    ] {
        let host = KeyHost::start(format!("HTTP/1.1 200 OK\r\n{headers}content-length: 2\r\n\r\n{{}}")).await;
        let fetched = Fetcher::of_operator(true).get(&host.origin).await.expect("a response");
        assert_eq!((fetched.max_age, fetched.body.as_slice()), (max_age, b"{}".as_slice()), "{headers}");
    }
}

/// V2: the operator's own hosts may have private addresses, but plain http is for loopback on a developer's machine.
#[tokio::test]
async fn v2_hosts_of_the_operator() {
    let host = KeyHost::start(ok(&jwks(""))).await;
    let https = host.origin.replace("http", "https");
    assert_eq!(Fetcher::new(false).get(&https).await, Err(FetchError::Address));
    assert_eq!(Fetcher::of_operator(false).get(&https).await, Err(FetchError::Tls));
    assert_eq!(Fetcher::of_operator(false).get(&host.origin).await, Err(FetchError::Url));
    assert_eq!(Fetcher::of_operator(true).get("http://10.0.0.1/").await, Err(FetchError::Address));
}
