//! Uploads (contract 7.5): what is taken, what becomes of it, and a corpus of hostile files.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbImage};
use reqwest::Method;
use reqwest::StatusCode;
use secondme_server::users::uploads;
use secondme_store::{params, sql};
use serde_json::{Value, json};

use crate::harness::{ADA, LIN, TestDb, World, answer, both, data, refused};

const BOUNDARY: &str = "----secondme";

/// A form with one file.
pub fn form(field: &str, name: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    [head.as_bytes(), bytes, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat()
}

pub async fn upload(world: &World, token: &str, name: &str, bytes: &[u8]) -> (StatusCode, Value) {
    send(world.request(Method::POST, "cdn/upload", token), form("file", name, bytes)).await
}

async fn send(request: reqwest::RequestBuilder, body: Vec<u8>) -> (StatusCode, Value) {
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    answer(request.header("Content-Type", kind).body(body).send().await.unwrap()).await
}

pub fn picture(format: ImageFormat, shade: u8) -> Vec<u8> {
    let picture: DynamicImage = RgbImage::from_pixel(8, 6, image::Rgb([shade, 20, 200])).into();
    let mut bytes = Vec::new();
    picture.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

/// A picture that no format makes smaller: about 850 bytes.
fn noise(seed: u32) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let picture: DynamicImage = RgbImage::from_fn(16, 16, |_, _| image::Rgb([next(), next(), next()])).into();
    let mut bytes = Vec::new();
    picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
    bytes
}

pub async fn stored(world: &World) -> (i64, i64) {
    let sql = sql!("SELECT (SELECT COUNT(*) FROM upload_objects) AS objects, (SELECT COUNT(*) FROM uploads) AS owners");
    let row = world.app.store().opt(sql, params![]).await.unwrap().unwrap();
    (row.get("objects").unwrap(), row.get("owners").unwrap())
}

both! {
    async fn a_picture_gets_an_address_that_anybody_can_fetch(db: TestDb) {
        let world = World::new(db).await;
        let first = data(upload(&world, ADA, "me.png", &picture(ImageFormat::Png, 1)).await);
        let (url, key) = (first["url"].as_str().unwrap(), first["key"].as_str().unwrap());
        assert_eq!(url, format!("{}/{key}", world.url));
        assert!(key.starts_with("cdn/") && key.ends_with(".png") && key.len() == 4 + 64 + 4, "{key}");
        let response = world.http.get(url).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), "image/png");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("content-security-policy"), "default-src 'none'; sandbox");
        assert!(header("cache-control").contains("immutable"));
        let tag = header("etag");
        let bytes = response.bytes().await.unwrap();
        assert_eq!(image::load_from_memory(&bytes).unwrap().width(), 8);
        let again = world.http.get(url).header("If-None-Match", tag).send().await.unwrap();
        assert_eq!(again.status(), 304);
        // The same picture is the same file, whoever uploads it and under whatever name.
        assert_eq!(data(upload(&world, ADA, "other.jpg", &picture(ImageFormat::Png, 1)).await), first);
        assert_eq!(data(upload(&world, LIN, "me.png", &picture(ImageFormat::Png, 1)).await), first);
        assert_eq!(stored(&world).await, (1, 2));
        let other = data(upload(&world, ADA, "me.png", &picture(ImageFormat::Jpeg, 2)).await);
        assert!(other["key"].as_str().unwrap().ends_with(".jpg"));
        assert_eq!(stored(&world).await, (2, 3));
        // It can be the profile's picture.
        data(world.post("secondme/user/profile", ADA, &serde_json::json!({"avatar": url})).await);
    }

    async fn nothing_hostile_is_stored(db: TestDb) {
        let world = World::new(db).await;
        let png = picture(ImageFormat::Png, 1);
        let mut bomb = png.clone();
        bomb[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
        let corpus: Vec<(&str, Vec<u8>)> = vec![
            ("empty.png", Vec::new()),
            ("page.html", b"<!doctype html><script>alert(1)</script>".to_vec()),
            ("page.png", b"<html><body onload=alert(1)>".to_vec()),
            ("vector.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec()),
            ("xml.png", b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'aaaa'>]><x>&a;</x>".to_vec()),
            ("cut.png", png[..png.len() / 2].to_vec()),
            ("head.png", png[..8].to_vec()),
            ("polyglot.png", [&png[..8], b"<script>alert(1)</script>"].concat()),
            ("polyglot.gif", b"GIF89a/*<script>*/=1;alert(1)".to_vec()),
            ("bomb.png", bomb),
            ("wide.gif", b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\xff\xff\xff\xff\0\x02\x02D\x01\0;".to_vec()),
            ("cut.jpg", picture(ImageFormat::Jpeg, 1)[..20].to_vec()),
            ("cut.webp", picture(ImageFormat::WebP, 1)[..24].to_vec()),
            ("zip.png", b"PK\x03\x04\x14\0\0\0\x08\0".to_vec()),
            ("program.png", b"\x7fELF\x02\x01\x01\0".to_vec()),
            ("program.jpg", b"MZ\x90\0\x03\0\0\0".to_vec()),
            ("doc.png", b"%PDF-1.7\n1 0 obj<</OpenAction 2 0 R>>".to_vec()),
            ("film.avi", b"RIFF\x24\0\0\0AVI LIST".to_vec()),
            ("sound.mp3", b"ID3\x04\0\0\x7f\x7f\x7f\x7f<script>alert(1)</script>".to_vec()),
            ("sound2.mp3", b"\xff\xfb".to_vec()),
            ("sound.flac", b"fLaC\0<script>alert(1)</script>".to_vec()),
            ("sound.ogg", b"OggS\0\x02<html><body onload=alert(1)>".to_vec()),
            ("sound.m4a", b"\0\0\0\x20ftypM4A \0\0\0\0<script>alert(1)</script>".to_vec()),
            ("sound.webm", b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm<script>alert(1)</script>".to_vec()),
            ("silent.wav", b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data\0\0\0\0".to_vec()),
            ("channels.wav", b"RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\xff\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data\x08\0\0\0<script>".to_vec()),
            ("bitmap.bmp", b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0".to_vec()),
            ("zeros", vec![0; 100_000]),
        ];
        for (name, bytes) in corpus {
            let answer = upload(&world, ADA, name, &bytes).await;
            assert_eq!((answer.0.as_u16(), answer.1["subCode"].as_str()), (400, Some("cos.upload.failed")), "{name}: {}", answer.1);
        }
        assert_eq!(stored(&world).await, (0, 0));
        let mut tail = picture(ImageFormat::Jpeg, 9);
        tail.extend_from_slice(b"<script>alert(document.domain)</script>");
        let url = data(upload(&world, ADA, "tail.html", &tail).await)["url"].as_str().unwrap().to_owned();
        assert!(url.ends_with(".jpg"), "{url}");
        let bytes = world.http.get(&url).send().await.unwrap().bytes().await.unwrap();
        assert!(!bytes.windows(7).any(|w| w == b"<script"), "what stood behind the picture is gone");
    }

    async fn a_recording_is_kept_as_it_is_and_only_played(db: TestDb) {
        let world = World::new(db).await;
        let wav = [&b"RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data\x08\0\0\0"[..], b"<script>"].concat();
        let url = data(upload(&world, ADA, "voice.wav", &wav).await)["url"].as_str().unwrap().to_owned();
        let response = world.http.get(&url).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "audio/wav");
        assert_eq!(response.headers()["content-disposition"], "attachment");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert_eq!(response.bytes().await.unwrap().as_ref(), wav.as_slice());
    }

    async fn both_headers_of_the_documents_work_and_a_failure_is_a_401(db: TestDb) {
        let world = World::new(db).await;
        let png = form("file", "a.png", &picture(ImageFormat::Png, 1));
        for value in [LIN.to_owned(), format!("Bearer {LIN}")] {
            let request = world.request(Method::POST, "cdn/upload", "").header("token", value);
            data(send(request, png.clone()).await);
        }
        for token in ["", "nonsense", "lba_at_nobody", "lba_ak_nobody"] {
            refused(&send(world.request(Method::POST, "cdn/upload", token), png.clone()).await, 401, "core.http_error");
        }
        let other = send(world.request(Method::POST, "cdn/upload", ADA), form("image", "a.png", b"x")).await;
        refused(&other, 400, "invalid.param");
        let json = world.post("cdn/upload", ADA, &serde_json::json!({})).await;
        refused(&json, 415, "request.content_type.unsupported");
        let cut = world.request(Method::POST, "cdn/upload", ADA);
        refused(&send(cut, png[..png.len() / 2].to_vec()).await, 400, "invalid.param");
    }

    async fn files_and_accounts_have_limits(db: TestDb) {
        let world = World::with_config(db, |c| {
            c.uploads.file_max_bytes = 2_000;
            c.uploads.user_max_bytes = 1_300;
            c.uploads.store = "memory".to_owned();
        }).await;
        refused(&upload(&world, ADA, "a.png", &[0; 2_001]).await, 413, "request.body.too_large");
        refused(&upload(&world, ADA, "a.png", &[0; 100_000]).await, 413, "request.body.too_large");
        data(upload(&world, ADA, "a.png", &noise(1)).await);
        data(upload(&world, ADA, "a.png", &noise(1)).await);
        refused(&upload(&world, ADA, "b.png", &noise(2)).await, 413, "cos.upload.failed");
        assert_eq!(stored(&world).await, (1, 1));
    }

    async fn who_is_still_sending_reads_the_refusal(db: TestDb) {
        let world = World::with_config(db, |c| c.uploads.file_max_bytes = 2_000).await;
        for size in [100_000, 1_000_000, 10_000_000].repeat(10) {
            refused(&upload(&world, ADA, "a.png", &vec![0; size]).await, 413, "request.body.too_large");
            refused(&upload(&world, "lba_at_nobody", "a.png", &vec![0; size]).await, 401, "core.http_error");
            let note = json!({"content": "x".repeat(size)}).to_string();
            let known = world.request(Method::POST, "note/add", ADA).header("Content-Type", "application/json").body(note);
            assert!(known.send().await.unwrap().status().is_client_error());
        }
        assert_eq!(stored(&world).await, (0, 0));
    }

    async fn what_nobody_has_is_swept_after_a_day(db: TestDb) {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().display().to_string();
        let world = World::with_config(db, |c| {
            c.uploads.store = "folder".to_owned();
            c.server.data_dir = data_dir;
        }).await;
        let files = || {
            let folders = std::fs::read_dir(folder.path().join("uploads")).unwrap();
            folders.map(|f| std::fs::read_dir(f.unwrap().path()).unwrap().count()).sum::<usize>()
        };
        let url = data(upload(&world, ADA, "a.png", &picture(ImageFormat::Png, 1)).await)["url"].as_str().unwrap().to_owned();
        data(upload(&world, LIN, "b.png", &picture(ImageFormat::Png, 2)).await);
        assert_eq!(files(), 2);
        let mut tx = world.app.store().write().await.unwrap();
        tx.run(sql!("DELETE FROM uploads WHERE user_id = 1"), params![]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(uploads::sweep(&world.app).await.unwrap(), 0, "not before a day has passed");
        world.clock.advance(86_400_001);
        assert_eq!(uploads::sweep(&world.app).await.unwrap(), 1);
        assert_eq!(files(), 1);
        assert_eq!(world.http.get(&url).send().await.unwrap().status(), 404);
        // The same bytes can come again.
        data(upload(&world, ADA, "a.png", &picture(ImageFormat::Png, 1)).await);
        assert_eq!(world.http.get(&url).send().await.unwrap().status(), 200);
    }

    async fn other_paths_are_no_files(db: TestDb) {
        let world = World::new(db).await;
        for path in ["cdn/x.png", "cdn/..%2fserver.key", "cdn/%2e%2e/secondme.db", &format!("cdn/{}.svg", "0".repeat(64))] {
            let response = world.http.get(format!("{}/{path}", world.url)).send().await.unwrap();
            assert_eq!(response.status(), 404, "{path}");
        }
    }
}
