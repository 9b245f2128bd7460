"""What reporters of a made-up history write: a sentence a category, with {place}. All of it is invented."""

SENTENCES = {
    "GT01": "Mặt đường {place} có nhiều ổ gà sâu, xe máy đi qua rất nguy hiểm.",
    "GT02": "Biển báo giao thông {place} bị ngã, vạch kẻ đường đã mờ.",
    "GT03": "Hố ga {place} bị mất nắp, chưa có rào chắn.",
    "GT04": "Xe tải thường xuyên đỗ chắn lối đi {place}.",
    "GT05": "Xe ben chở đất không che chắn, vật liệu rơi vãi {place}.",
    "GT06": "Xe buýt bỏ trạm {place} nhiều lần trong tuần.",
    "CS01": "Đèn đường {place} không sáng đã nhiều ngày.",
    "CX01": "Cành cây gãy chắn lối đi {place}.",
    "CX02": "Ghế đá và xích đu {place} bị hỏng, trẻ em dễ bị thương.",
    "CN01": "Đường ống nước {place} bị vỡ, nhiều hộ mất nước từ sáng.",
    "CN02": "Nước máy {place} đục và có mùi.",
    "TN01": "Cống thoát nước {place} bị tắc, mưa là ngập.",
    "DL01": "Khu dân cư {place} mất điện, chưa thấy thông báo.",
    "DL02": "Dây điện {place} võng thấp sát mái nhà.",
    "VT01": "Cáp viễn thông {place} bị đứt, rơi xuống lòng đường.",
    "VT02": "Sóng di động {place} rất yếu, không gọi được.",
    "MT01": "Rác {place} ba ngày chưa được thu gom, bốc mùi.",
    "MT02": "Cơ sở sản xuất {place} xả nước thải có mùi hôi ra mương.",
    "MT03": "Quán karaoke {place} mở nhạc lớn đến khuya.",
    "MT04": "Tàu hút cát hoạt động ban đêm trên đoạn sông {place}.",
    "MT05": "Có lợn chết vứt bên kênh {place}.",
    "RG01": "Nghe tiếng cưa máy chặt cây trong rừng {place}.",
    "TD01": "Hàng quán lấn chiếm hết vỉa hè {place}.",
    "XD01": "Công trình {place} xây quá phần đất được phép.",
    "DD01": "Có người rào chiếm đất công {place}.",
    "AN01": "Thanh niên tụ tập gây rối ban đêm {place}.",
    "AN02": "Phát hiện vật giống đầu đạn cũ khi đào đất {place}.",
    "TT01": "Taluy sạt lở, đất đá tràn xuống đường {place}.",
    "YT01": "Quán ăn {place} dùng thực phẩm ôi thiu.",
    "GD01": "Trường học {place} thu nhiều khoản ngoài quy định.",
    "TM01": "Cửa hàng {place} bán hàng giả nhãn hiệu.",
    "DV01": "Hồ sơ nộp tại bộ phận một cửa {place} quá hẹn chưa có kết quả.",
    "XH01": "Gia đình {place} chưa nhận được trợ cấp tháng này.",
    "DU01": "Di tích {place} xuống cấp, thiếu bảng chỉ dẫn.",
    "GY01": "Đề nghị bố trí thêm thùng phân loại rác {place}.",
}
PLACES = (
    "trước chợ",
    "gần cầu",
    "đầu ngõ vào thôn",
    "cạnh trường tiểu học",
    "sau bến xe",
    "gần trạm y tế",
    "ở ngã ba",
    "trước nhà văn hóa",
)
COMMENTS = ("Tôi đã gửi phản ánh nhưng chưa thấy ai đến xem.", "Xin hỏi khi nào thì xử lý xong?", "Tình trạng hôm nay nặng hơn hôm qua.")
QUESTION = "Xin cho biết vị trí chính xác hơn, gần số nhà hoặc cột mốc nào?"
REPLY = "Ngay cạnh cột điện đầu ngõ, cách đường chính khoảng 50 mét."
RETURN = "Nội dung này không thuộc thẩm quyền của đơn vị chúng tôi."
ANSWER = "Đơn vị đã ghi nhận ý kiến và đang cử người kiểm tra tại chỗ."
RESULTS = {
    "fixed": "Đơn vị đã xử lý xong nội dung phản ánh tại hiện trường.",
    "explained": "Đơn vị đã kiểm tra và giải thích rõ quy định cho người dân.",
    "planned": "Nội dung đã được đưa vào kế hoạch thực hiện trong quý tới.",
    "not_found": "Đơn vị đã đến kiểm tra nhưng không còn thấy hiện tượng như phản ánh.",
}
SEND_BACK = "Kết quả chưa nêu rõ đã làm gì, đề nghị bổ sung."
OBJECTION = "Thực tế tại chỗ vẫn chưa được khắc phục như trả lời."
CANCEL = "Phản ánh không đủ thông tin để xử lý."
WITHDRAW = "Sự việc đã tự hết, tôi xin rút phản ánh."
EVIDENCE = "https://anh.quangtri.example/sau.jpg"
