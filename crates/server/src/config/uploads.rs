//! `[uploads]`: where uploaded files lie, and what is taken.

use secondme_kit::Secret;

use super::section::section;

section! {
    /// Uploaded pictures and voice samples: where they lie, and what is taken.
    Uploads {
        /// Where files lie: `folder` (in `uploads` below the data folder), `s3` (any S3-compatible service), or `memory` (gone with the process).
        store: String = "folder".to_owned(),
        /// The bucket, when `store` is `s3`.
        s3_bucket: String = String::new(),
        /// The region.
        s3_region: String = "us-east-1".to_owned(),
        /// The service's address, such as `http://minio:9000`. Empty: Amazon's own.
        s3_endpoint: String = String::new(),
        /// Access key id.
        s3_access_key: String = String::new(),
        /// Secret access key.
        s3_secret_key: Secret = Secret::default(),
        /// Time for one request to the service, in seconds.
        s3_timeout_seconds: u64 = 30,
        /// How often a request that failed is repeated.
        s3_retries: usize = 3,
        /// Largest file, in bytes.
        file_max_bytes: usize = 20 * 1024 * 1024,
        /// Largest width or height of a picture.
        image_max_side: u32 = 12_000,
        /// Most pixels of a picture: what bounds the memory that decoding one takes (4 to 8 bytes each).
        image_max_pixels: u64 = 40_000_000,
        /// Pictures decoded at the same time.
        decoding_concurrency: usize = 2,
        /// What all files of one user may take together, in bytes.
        user_max_bytes: i64 = 2 * 1024 * 1024 * 1024,
        /// Files that nobody has any more are deleted after this many seconds.
        keep_orphans_seconds: i64 = 86_400,
    }
}
