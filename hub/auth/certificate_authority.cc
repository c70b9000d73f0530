#include "hub/auth/certificate_authority.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <unistd.h>
#include <utility>

#include "absl/strings/str_join.h"
#include <sys/stat.h>

#include "common/base/status_macros.h"
#include "common/object/sha256.h"
#include "hub/auth/openssl_pointers.h"
#include "hub/auth/peer_identity.h"

namespace leidang::hub {
namespace {

constexpr absl::Duration kClockSlack = absl::Minutes(5);
constexpr absl::Duration kAuthorityLife = absl::Hours(24 * 3650);

absl::StatusOr<PkeyPtr> NewKey() {
  PkeyPtr key(EVP_EC_gen("P-256"));
  if (!key) return OpensslError(absl::StatusCode::kInternal, "cannot make an EC P-256 key");
  return key;
}

absl::StatusOr<std::string> KeyPem(EVP_PKEY* key) {
  BioPtr bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return OpensslError(absl::StatusCode::kInternal, "cannot write a private key");
  }
  return BioText(bio.get());
}

absl::StatusOr<std::string> CertificatePem(X509* certificate) {
  BioPtr bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(bio.get(), certificate) != 1) {
    return OpensslError(absl::StatusCode::kInternal, "cannot write a certificate");
  }
  return BioText(bio.get());
}

absl::Status AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1) {
    return OpensslError(
        absl::StatusCode::kInvalidArgument,
        absl::StrCat("cannot add ", OBJ_nid2sn(nid), " \"", value, "\" to a certificate"));
  }
  return absl::OkStatus();
}

struct CertificateFields {
  std::string common_name;
  absl::Duration life;
  std::vector<std::pair<int, std::string>> extensions;
};

// `issuer` null: self-signed.
absl::StatusOr<X509Ptr> Sign(const CertificateFields& fields, EVP_PKEY* subject_key, X509* issuer,
                             EVP_PKEY* issuer_key, absl::Time now, Random& random) {
  X509Ptr certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  std::string serial = random.Bytes(16);
  serial[0] =
      static_cast<char>((serial[0] & 0x7f) | 0x40);  // Positive, and always of the same length.
  BignumPtr number(BN_bin2bn(reinterpret_cast<const unsigned char*>(serial.data()), 16, nullptr));
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate.get()));
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), absl::ToTimeT(now - kClockSlack));
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), absl::ToTimeT(now + fields.life));
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(fields.common_name.c_str()), -1,
                             -1, 0);
  X509* parent = issuer != nullptr ? issuer : certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(parent));
  X509_set_pubkey(certificate.get(), subject_key);
  for (const auto& [nid, value] : fields.extensions) {
    RETURN_IF_ERROR(AddExtension(certificate.get(), parent, nid, value));
  }
  if (X509_sign(certificate.get(), issuer_key, EVP_sha256()) == 0) {
    return OpensslError(absl::StatusCode::kInternal, "cannot sign a certificate");
  }
  return certificate;
}

absl::StatusOr<std::string> PinOf(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size <= 0) return OpensslError(absl::StatusCode::kInternal, "cannot encode a public key");
  const std::string bytes(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return absl::StrCat("sha256:", object::Sha256::Of(bytes).Hex());
}

absl::StatusOr<std::string> ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return absl::NotFoundError(absl::StrCat("cannot read ", path, ": ", std::strerror(errno)));
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

// Created with its final mode, synced, and renamed into place: a key is never readable by others,
// not even for a moment.
absl::Status WriteWhole(const std::string& path, absl::string_view text, mode_t mode) {
  const std::string temporary = absl::StrCat(path, ".tmp");
  ::unlink(temporary.c_str());
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0)
    return absl::InternalError(
        absl::StrCat("cannot create ", temporary, ": ", std::strerror(errno)));
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  if (!written || ::rename(temporary.c_str(), path.c_str()) != 0) {
    return absl::InternalError(
        absl::StrCat("cannot write ", path, ": ", std::strerror(written ? errno : error)));
  }
  return absl::OkStatus();
}

absl::Status CheckPrivate(const std::string& key_path) {
  struct stat info{};
  if (::stat(key_path.c_str(), &info) != 0) {
    return absl::NotFoundError(absl::StrCat("cannot read ", key_path, ": ", std::strerror(errno)));
  }
  if ((info.st_mode & 077) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("the authority's key ", key_path,
                     " can be read by others: chmod 600 it, and consider it known"));
  }
  return absl::OkStatus();
}

}  // namespace

struct CertificateAuthority::Impl {
  X509Ptr certificate;
  PkeyPtr key;
  std::string certificate_pem;
  std::string pin;
};

CertificateAuthority::CertificateAuthority(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CertificateAuthority::~CertificateAuthority() = default;

const std::string& CertificateAuthority::certificate_pem() const { return impl_->certificate_pem; }
const std::string& CertificateAuthority::pin() const { return impl_->pin; }

absl::StatusOr<CertificateAndKey> CertificateAuthority::Create(const intent::HubId& hub,
                                                               absl::Time now, Random& random) {
  ASSIGN_OR_RETURN(PkeyPtr key, NewKey());
  const CertificateFields fields{
      .common_name = absl::StrCat("Leidang hub ", hub.Hex()),
      .life = kAuthorityLife,
      .extensions = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                     {NID_key_usage, "critical,keyCertSign,cRLSign"},
                     {NID_subject_key_identifier, "hash"}},
  };
  ASSIGN_OR_RETURN(X509Ptr certificate, Sign(fields, key.get(), nullptr, key.get(), now, random));
  CertificateAndKey pem;
  ASSIGN_OR_RETURN(pem.certificate_pem, CertificatePem(certificate.get()));
  ASSIGN_OR_RETURN(pem.key_pem, KeyPem(key.get()));
  return pem;
}

absl::StatusOr<std::unique_ptr<CertificateAuthority>> CertificateAuthority::Load(
    const CertificateAndKey& pem) {
  auto impl = std::make_unique<Impl>();
  BioPtr certificate_bio(
      BIO_new_mem_buf(pem.certificate_pem.data(), static_cast<int>(pem.certificate_pem.size())));
  impl->certificate.reset(PEM_read_bio_X509(certificate_bio.get(), nullptr, nullptr, nullptr));
  if (!impl->certificate) {
    return OpensslError(absl::StatusCode::kInvalidArgument,
                        "the authority's certificate is no PEM certificate");
  }
  BioPtr key_bio(BIO_new_mem_buf(pem.key_pem.data(), static_cast<int>(pem.key_pem.size())));
  impl->key.reset(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
  if (!impl->key) {
    return OpensslError(absl::StatusCode::kInvalidArgument,
                        "the authority's key is no PEM private key");
  }
  if (X509_check_private_key(impl->certificate.get(), impl->key.get()) != 1) {
    return OpensslError(absl::StatusCode::kInvalidArgument,
                        "the authority's certificate and key do not belong together");
  }
  if (X509_check_ca(impl->certificate.get()) == 0) {
    return absl::InvalidArgumentError(
        "the given certificate is no certificate authority (basicConstraints CA:TRUE)");
  }
  ASSIGN_OR_RETURN(impl->certificate_pem, CertificatePem(impl->certificate.get()));
  ASSIGN_OR_RETURN(impl->pin, PinOf(impl->certificate.get()));
  return std::unique_ptr<CertificateAuthority>(new CertificateAuthority(std::move(impl)));
}

absl::StatusOr<std::unique_ptr<CertificateAuthority>> CertificateAuthority::OpenOrCreate(
    const std::string& directory, const intent::HubId& hub, absl::Time now, Random& random) {
  const std::string certificate_path = absl::StrCat(directory, "/ca.crt");
  const std::string key_path = absl::StrCat(directory, "/ca.key");
  std::error_code ignored;
  const bool has_certificate = std::filesystem::exists(certificate_path, ignored);
  const bool has_key = std::filesystem::exists(key_path, ignored);
  if (has_certificate != has_key) {
    return absl::FailedPreconditionError(absl::StrCat(
        "only one of ", certificate_path, " and ", key_path,
        " exists: put back the other from a backup (a new authority would strand every agent)"));
  }
  if (!has_key) {
    ASSIGN_OR_RETURN(const CertificateAndKey made, Create(hub, now, random));
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
      return absl::InternalError(
          absl::StrCat("cannot create ", directory, ": ", std::strerror(errno)));
    }
    RETURN_IF_ERROR(WriteWhole(key_path, made.key_pem, 0600));
    RETURN_IF_ERROR(WriteWhole(certificate_path, made.certificate_pem, 0644));
    return Load(made);
  }
  RETURN_IF_ERROR(CheckPrivate(key_path));
  CertificateAndKey pem;
  ASSIGN_OR_RETURN(pem.certificate_pem, ReadWhole(certificate_path));
  ASSIGN_OR_RETURN(pem.key_pem, ReadWhole(key_path));
  auto loaded = Load(pem);
  if (!loaded.ok()) {
    return absl::Status(loaded.status().code(),
                        absl::StrCat(directory, ": ", loaded.status().message()));
  }
  return loaded;
}

absl::StatusOr<CertificateAndKey> CertificateAuthority::IssueServer(const ServerNames& names,
                                                                    absl::Time now,
                                                                    absl::Duration life,
                                                                    Random& random) const {
  std::vector<std::string> alternatives;
  for (const std::string& dns : names.dns) alternatives.push_back(absl::StrCat("DNS:", dns));
  for (const std::string& ip : names.ips) alternatives.push_back(absl::StrCat("IP:", ip));
  if (alternatives.empty()) {
    return absl::InvalidArgumentError(
        "a server certificate needs at least one DNS name or IP address");
  }
  ASSIGN_OR_RETURN(PkeyPtr key, NewKey());
  const CertificateFields fields{
      .common_name = "Leidang hub",
      .life = life,
      .extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                     {NID_key_usage, "critical,digitalSignature"},
                     {NID_ext_key_usage, "serverAuth"},
                     {NID_authority_key_identifier, "keyid"},
                     {NID_subject_alt_name, absl::StrJoin(alternatives, ",")}},
  };
  ASSIGN_OR_RETURN(X509Ptr certificate, Sign(fields, key.get(), impl_->certificate.get(),
                                             impl_->key.get(), now, random));
  CertificateAndKey out;
  ASSIGN_OR_RETURN(out.certificate_pem, CertificatePem(certificate.get()));
  ASSIGN_OR_RETURN(out.key_pem, KeyPem(key.get()));
  // The authority goes with it, so that a joining agent can check the pin in a bare handshake.
  out.certificate_pem += impl_->certificate_pem;
  return out;
}

absl::StatusOr<std::string> CertificateAuthority::IssueAgent(absl::string_view csr_der,
                                                             const intent::HubId& hub,
                                                             const intent::ClusterId& cluster,
                                                             absl::Time now, absl::Duration life,
                                                             Random& random) const {
  const auto* der = reinterpret_cast<const unsigned char*>(csr_der.data());
  X509ReqPtr request(d2i_X509_REQ(nullptr, &der, static_cast<long>(csr_der.size())));
  if (!request) {
    return OpensslError(absl::StatusCode::kInvalidArgument,
                        "the certificate request is no DER PKCS #10 request");
  }
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  if (key == nullptr || X509_REQ_verify(request.get(), key) != 1) {
    return OpensslError(absl::StatusCode::kInvalidArgument,
                        "the certificate request is not signed by its own key");
  }
  char group[32] = "";
  size_t group_size = 0;
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
      EVP_PKEY_get_group_name(key, group, sizeof(group), &group_size) != 1 ||
      absl::string_view(group) != "prime256v1") {
    ERR_clear_error();
    return absl::InvalidArgumentError(
        "the certificate request's key is not EC P-256: make one of that kind");
  }
  const CertificateFields fields{
      .common_name = absl::StrCat("cluster ", cluster.Hex()),
      .life = life,
      .extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                     {NID_key_usage, "critical,digitalSignature"},
                     {NID_ext_key_usage, "clientAuth"},
                     {NID_authority_key_identifier, "keyid"},
                     {NID_subject_alt_name, absl::StrCat("URI:", AgentUri({hub, cluster}))}},
  };
  ASSIGN_OR_RETURN(X509Ptr certificate,
                   Sign(fields, key, impl_->certificate.get(), impl_->key.get(), now, random));
  return CertificatePem(certificate.get());
}

}  // namespace leidang::hub
