#include "station/fetcher/member_pass.h"

#include <libdeflate.h>

#include <algorithm>

#include "station/store/reader/firmware_reader.h"

namespace station::fetcher {

MemberPass::MemberPass(std::span<const firmware::ZipMember> members,
                       const std::set<std::string>& os_paths, OsImageFile& os_images)
    : members_(members), os_paths_(os_paths), os_images_(os_images) {
  done_.reserve(members.size());
}

Status MemberPass::Begin(const firmware::ZipMember& member) {
  current_.emplace();
  const bool is_os = os_paths_.contains(member.name);
  if (member.method == firmware::ZipMethod::kDeflated) {
    current_->inflater.emplace(member.size, member.crc32);
    if (!is_os) return {};
    if (member.size > kLargestOsImage)
      return Fail(ErrorCode::kFirmwareMalformed,
                  "an OS image of " + std::to_string(member.size) + " bytes");
    STATION_TRY(offset, os_images_.Begin(member.size));
    current_->image_offset = offset;
    current_->asr.emplace(store::kAsrChunk);
  } else if (is_os || member.size >= kBigMember) {
    current_->asr.emplace(store::kAsrChunk);
  }
  return {};
}

Status MemberPass::Feed(std::span<const std::uint8_t> bytes) {
  Current& current = *current_;
  if (!current.inflater) {
    current.crc32 = ::libdeflate_crc32(current.crc32, bytes.data(), bytes.size());
    if (current.asr) current.asr->Update(bytes);
    return {};
  }
  return current.inflater->Feed(bytes, [&](std::span<const std::uint8_t> inflated) -> Status {
    if (!current.asr) return {};
    current.asr->Update(inflated);
    return os_images_.Append(inflated);
  });
}

Status MemberPass::End(const firmware::ZipMember& member) {
  if (current_->inflater) {
    STATION_CHECK(current_->inflater->Finish());
  } else if (current_->crc32 != member.crc32) {
    return Fail(ErrorCode::kFirmwareMalformed, "its CRC-32 is wrong");
  }
  store::IndexContent::Member& done = done_.emplace_back();
  done.zip = member;
  done.image_offset = current_->image_offset;
  if (current_->asr) done.asr_digests = current_->asr->Finish();
  current_.reset();
  return {};
}

Status MemberPass::Consume(std::uint64_t offset, std::span<const std::uint8_t> bytes) {
  const std::uint64_t end = offset + bytes.size();
  while (done_.size() < members_.size()) {
    const firmware::ZipMember& member = members_[done_.size()];
    const std::uint64_t member_end = member.data_offset + member.compressed_size;
    if (member.data_offset > end) return {};
    Status status = current_ ? Status() : Begin(member);
    const std::uint64_t from = std::max(member.data_offset, offset);
    const std::uint64_t to = std::min(member_end, end);
    if (status && from < to) status = Feed(bytes.subspan(from - offset, to - from));
    if (status && member_end <= end) status = End(member);
    if (!status) return Fail(std::move(status).error(), "member \"" + member.name + "\"");
    if (member_end > end) return {};
  }
  return {};
}

Result<std::vector<store::IndexContent::Member>> MemberPass::Finish() {
  if (done_.size() != members_.size())
    return Fail(ErrorCode::kFirmwareMalformed, "the archive ends within a member");
  return std::move(done_);
}

}  // namespace station::fetcher
